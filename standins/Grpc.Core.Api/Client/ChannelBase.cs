namespace Grpc.Core;

/// <summary>A connection, or several, to one target; many clients share it.</summary>
public abstract class ChannelBase
{
    /// <summary>For derived classes.</summary>
    protected ChannelBase(string target)
    {
        ArgumentNullException.ThrowIfNull(target);
        Target = target;
    }

    /// <summary>Who is at the other end.</summary>
    public string Target { get; }

    /// <summary>An invoker whose calls use this channel.</summary>
    public abstract CallInvoker CreateCallInvoker();

    /// <summary>Ends the channel and every call that still uses it.</summary>
    public Task ShutdownAsync() => ShutdownAsyncCore();

    /// <summary>What a derived channel does to end; nothing unless overridden.</summary>
    protected virtual Task ShutdownAsyncCore() => Task.CompletedTask;
}
