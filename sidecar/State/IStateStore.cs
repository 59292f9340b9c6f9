namespace Souk.Sidecar.State;

/// <summary>What a caller said about racing writers.</summary>
internal enum Concurrency
{
    Unspecified,
    FirstWrite,
    LastWrite,
}

/// <summary>What is stored under a key.</summary>
internal sealed record StateValue(ReadOnlyMemory<byte> Data, string Etag, DateTimeOffset? ExpireTime);

/// <summary>
/// One upsert or delete. <see cref="Key"/> is the stored key, prefix and all. <see cref="Etag"/> null means
/// no check; an empty one is a check that cannot succeed.
/// </summary>
internal readonly record struct StateChange(string Key, ReadOnlyMemory<byte>? Value)
{
    public string? Etag { get; init; }
    public Concurrency Concurrency { get; init; }

    /// <summary>Null when the caller said nothing; zero and less for no expiry.</summary>
    public int? TtlSeconds { get; init; }

    public bool IsDelete => Value is null;

    public bool IsCreateOnly => Etag is null && Concurrency == Concurrency.FirstWrite;
}

/// <summary>The stored etag is another one, or not there.</summary>
internal sealed class EtagMismatchException(string key)
    : Exception($"the stored value of {key} has another etag");

/// <summary>The store cannot have made such an etag.</summary>
internal sealed class EtagInvalidException(string etag) : Exception($"invalid etag value: {etag}");

/// <summary>The store refused for another reason.</summary>
internal sealed class StateStoreException(string message) : Exception(message);

/// <summary>
/// A state store. Calls fail with one of the three exceptions above or with the driver's own.
/// </summary>
internal interface IStateStore : IAsyncDisposable
{
    IReadOnlyList<string> Capabilities { get; }

    /// <summary>Longest that a transaction may take before it is given up.</summary>
    TimeSpan Timeout { get; }

    Task<StateValue?> GetAsync(string key, CancellationToken cancellation);

    /// <summary>The values of those keys that exist.</summary>
    Task<IReadOnlyDictionary<string, StateValue>> GetManyAsync(
        IReadOnlyCollection<string> keys,
        CancellationToken cancellation
    );

    Task ApplyAsync(StateChange change, CancellationToken cancellation);

    /// <summary>All changes or, as far as the store can, none.</summary>
    Task TransactAsync(IReadOnlyList<StateChange> changes, CancellationToken cancellation);
}
