using Google.Protobuf;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.Client;

/// <summary>
/// Writes state options and items as the wire has them; the enums' numbers differ on purpose of nobody.
/// </summary>
internal static class StateMapping
{
    internal static Wire.StateItem Item(
        string key,
        ByteString value,
        string? etag,
        StateOptions? options,
        IReadOnlyDictionary<string, string>? metadata
    )
    {
        var item = new Wire.StateItem
        {
            Key = key,
            Value = value,
            Etag = Etag(etag),
            Options = Options(options),
        };
        foreach (var (name, setting) in metadata ?? EmptyMetadata)
            item.Metadata.Add(name, setting);
        return item;
    }

    /// <summary>Absent means "do not check"; an empty etag is a version like any other.</summary>
    internal static Wire.Etag? Etag(string? etag) => etag is null ? null : new Wire.Etag { Value = etag };

    internal static Wire.StateOptions? Options(StateOptions? options) =>
        options is null
            ? null
            : new Wire.StateOptions
            {
                Consistency = Consistency(options.Consistency),
                Concurrency = options.Concurrency switch
                {
                    null => Wire.StateOptions.Types.StateConcurrency.ConcurrencyUnspecified,
                    ConcurrencyMode.FirstWrite => Wire.StateOptions
                        .Types
                        .StateConcurrency
                        .ConcurrencyFirstWrite,
                    ConcurrencyMode.LastWrite => Wire.StateOptions
                        .Types
                        .StateConcurrency
                        .ConcurrencyLastWrite,
                    _ => throw new ArgumentOutOfRangeException(nameof(options)),
                },
            };

    internal static Wire.StateOptions.Types.StateConsistency Consistency(ConsistencyMode? mode) =>
        mode switch
        {
            null => Wire.StateOptions.Types.StateConsistency.ConsistencyUnspecified,
            ConsistencyMode.Eventual => Wire.StateOptions.Types.StateConsistency.ConsistencyEventual,
            ConsistencyMode.Strong => Wire.StateOptions.Types.StateConsistency.ConsistencyStrong,
            _ => throw new ArgumentOutOfRangeException(nameof(mode)),
        };

    /// <summary>The wire compares these case-sensitively.</summary>
    internal static string Operation(StateOperationType? type) =>
        type switch
        {
            StateOperationType.Upsert => "upsert",
            StateOperationType.Delete => "delete",
            _ => throw new ArgumentOutOfRangeException(nameof(type)),
        };

    private static readonly Dictionary<string, string> EmptyMetadata = [];
}
