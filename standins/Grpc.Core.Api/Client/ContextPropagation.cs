namespace Grpc.Core;

/// <summary>What of an incoming call passes on to the calls it causes.</summary>
public class ContextPropagationOptions
{
    /// <summary>Everything passes on.</summary>
    public static readonly ContextPropagationOptions Default = new();

    /// <summary>Chooses what passes on.</summary>
    public ContextPropagationOptions(bool propagateDeadline = true, bool propagateCancellation = true)
    {
        IsPropagateDeadline = propagateDeadline;
        IsPropagateCancellation = propagateCancellation;
    }

    /// <summary>Whether a caused call ends no later than the incoming one.</summary>
    public bool IsPropagateDeadline { get; }

    /// <summary>Whether a caused call is cancelled with the incoming one.</summary>
    public bool IsPropagateCancellation { get; }
}

/// <summary>
/// Ties an outgoing call to an incoming one. Opaque; made by <see cref="ServerCallContext" />.
/// </summary>
public abstract class ContextPropagationToken
{
    internal ContextPropagationToken() { }
}
