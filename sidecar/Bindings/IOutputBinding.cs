using Souk.Sidecar.Api;

namespace Souk.Sidecar.Bindings;

/// <summary>A system outside the mesh that apps may call by the name of a component.</summary>
internal interface IOutputBinding
{
    IReadOnlyList<string> Operations { get; }

    Task<BindingReply> InvokeAsync(BindingCall call, CancellationToken cancellation);
}

/// <summary>What an app asks of a binding.</summary>
internal sealed record BindingCall(string Operation, ReadOnlyMemory<byte> Data)
{
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public TraceContext Trace { get; init; }

    /// <summary>A member of the request's metadata, which counts before the component's; names match without
    /// regard to case.</summary>
    public string? Find(string name) =>
        Metadata
            .FirstOrDefault(item => string.Equals(item.Key, name, StringComparison.OrdinalIgnoreCase))
            .Value;
}

/// <summary>What the system answered.</summary>
internal sealed record BindingReply(ReadOnlyMemory<byte> Data)
{
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>The call reached the other side and was not done, or never got there.</summary>
internal sealed class BindingException(string message, Exception? inner = null) : Exception(message, inner);
