namespace Grpc.Core;

/// <summary>What a channel's connection is doing.</summary>
public enum ConnectivityState
{
    /// <summary>Nothing, until the next call.</summary>
    Idle,

    /// <summary>Connecting.</summary>
    Connecting,

    /// <summary>Connected.</summary>
    Ready,

    /// <summary>Waiting after a failure, before it tries again.</summary>
    TransientFailure,

    /// <summary>Ended for good.</summary>
    Shutdown,
}
