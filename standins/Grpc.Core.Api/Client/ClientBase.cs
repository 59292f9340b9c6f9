namespace Grpc.Core;

/// <summary>What all generated clients have in common: something that starts calls.</summary>
public abstract class ClientBase
{
    private readonly ClientBaseConfiguration _configuration;

    /// <summary>For test doubles that override every method: any call that reaches the base fails.</summary>
    protected ClientBase()
        : this(new DetachedCallInvoker()) { }

    /// <summary>For <c>NewInstance</c> of generated clients.</summary>
    protected ClientBase(ClientBaseConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        _configuration = configuration;
        CallInvoker = configuration.CreateCallInvoker();
    }

    /// <summary>A client whose calls use the channel.</summary>
    public ClientBase(ChannelBase channel)
        : this(InvokerOf(channel)) { }

    /// <summary>A client whose calls use the invoker.</summary>
    public ClientBase(CallInvoker callInvoker)
        : this(new ClientBaseConfiguration(callInvoker, host: null)) { }

    /// <summary>Starts the calls of this client.</summary>
    protected CallInvoker CallInvoker { get; }

    internal ClientBaseConfiguration Configuration => _configuration;

    private static CallInvoker InvokerOf(ChannelBase channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return channel.CreateCallInvoker();
    }

    /// <summary>What a client needs to make a variant of itself. Opaque to generated code.</summary>
    protected internal class ClientBaseConfiguration
    {
        private readonly CallInvoker _undecorated;
        private readonly string? _host;

        internal ClientBaseConfiguration(CallInvoker undecorated, string? host)
        {
            ArgumentNullException.ThrowIfNull(undecorated);
            _undecorated = undecorated;
            _host = host;
        }

        internal CallInvoker CreateCallInvoker() =>
            _host is null ? _undecorated : new HostCallInvoker(_undecorated, _host);

        internal ClientBaseConfiguration WithHost(string host) => new(_undecorated, host);
    }
}

/// <summary>A client that can make variants of itself.</summary>
public abstract class ClientBase<T> : ClientBase
    where T : ClientBase<T>
{
    /// <summary>For test doubles that override every method.</summary>
    protected ClientBase() { }

    /// <summary>For <see cref="NewInstance" />.</summary>
    protected ClientBase(ClientBaseConfiguration configuration)
        : base(configuration) { }

    /// <summary>A client whose calls use the channel.</summary>
    public ClientBase(ChannelBase channel)
        : base(channel) { }

    /// <summary>A client whose calls use the invoker.</summary>
    public ClientBase(CallInvoker callInvoker)
        : base(callInvoker) { }

    /// <summary>The same client with another <c>:authority</c>.</summary>
    public T WithHost(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return NewInstance(Configuration.WithHost(host));
    }

    /// <summary>Creates a client of the derived type.</summary>
    protected abstract T NewInstance(ClientBaseConfiguration configuration);
}
