namespace Grpc.Core;

/// <summary>How a channel is secured.</summary>
public abstract class ChannelCredentials
{
    /// <summary>For derived classes.</summary>
    public ChannelCredentials() { }

    /// <summary>No encryption: for a loopback connection or behind a proxy that encrypts.</summary>
    public static ChannelCredentials Insecure { get; } = new InsecureCredentials();

    /// <summary>TLS with the machine's trusted roots.</summary>
    public static ChannelCredentials SecureSsl { get; } = new SslCredentials();

    /// <summary>
    /// Whether call credentials may ride on the channel: only where nobody on the way can read them.
    /// </summary>
    internal virtual bool IsComposable => false;

    /// <summary>A secured channel that adds call credentials to each of its calls.</summary>
    public static ChannelCredentials Create(
        ChannelCredentials channelCredentials,
        CallCredentials callCredentials
    )
    {
        ArgumentNullException.ThrowIfNull(channelCredentials);
        ArgumentNullException.ThrowIfNull(callCredentials);
        if (!channelCredentials.IsComposable)
            throw new ArgumentException("Call credentials need TLS credentials.", nameof(channelCredentials));
        return new CompositeCredentials(channelCredentials, callCredentials);
    }

    /// <summary>Tells the configurator what these credentials are; for transports.</summary>
    public abstract void InternalPopulateConfiguration(
        ChannelCredentialsConfiguratorBase configurator,
        object? state
    );

    private sealed class InsecureCredentials : ChannelCredentials
    {
        public override void InternalPopulateConfiguration(
            ChannelCredentialsConfiguratorBase configurator,
            object? state
        ) => configurator.SetInsecureCredentials(state);
    }

    private sealed class CompositeCredentials(ChannelCredentials channel, CallCredentials call)
        : ChannelCredentials
    {
        public override void InternalPopulateConfiguration(
            ChannelCredentialsConfiguratorBase configurator,
            object? state
        ) => configurator.SetCompositeCredentials(state, channel, call);
    }
}

/// <summary>How a transport learns what channel credentials are made of.</summary>
public abstract class ChannelCredentialsConfiguratorBase
{
    /// <summary>For derived classes.</summary>
    protected ChannelCredentialsConfiguratorBase() { }

    /// <summary>They are none.</summary>
    public abstract void SetInsecureCredentials(object? state);

    /// <summary>They are TLS.</summary>
    public abstract void SetSslCredentials(
        object? state,
        string? rootCertificates,
        KeyCertificatePair? keyCertificatePair,
        VerifyPeerCallback? verifyPeerCallback
    );

    /// <summary>They are a channel's and a call's.</summary>
    public abstract void SetCompositeCredentials(
        object? state,
        ChannelCredentials channelCredentials,
        CallCredentials callCredentials
    );
}
