using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Souk.Sidecar.Api.Http;

/// <summary>Where an app's HTTP port hands over the connections that speak HTTP/2.</summary>
internal sealed class H2cEndPoint(string appId) : EndPoint
{
    private readonly Channel<ConnectionContext> _connections = Channel.CreateUnbounded<ConnectionContext>();

    public ChannelReader<ConnectionContext> Connections => _connections.Reader;

    public void Close() => _connections.Writer.TryComplete();

    /// <summary>Returns when the connection has ended.</summary>
    public async Task ServeAsync(ConnectionContext connection)
    {
        var handed = new HandedConnection(connection);
        if (_connections.Writer.TryWrite(handed))
            await handed.Ended;
        else
            connection.Abort(new ConnectionAbortedException("the sidecar is shutting down"));
    }

    public override string ToString() => $"h2c of {appId}";
}

/// <summary>Lets Kestrel listen for connections that are handed over inside this process.</summary>
internal sealed class H2cListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is H2cEndPoint;

    public ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint,
        CancellationToken cancellationToken = default
    ) =>
        ValueTask.FromResult<IConnectionListener>(
            new Listener(
                endpoint as H2cEndPoint
                    ?? throw new ArgumentException("not a place for connections", nameof(endpoint))
            )
        );

    private sealed class Listener(H2cEndPoint place) : IConnectionListener
    {
        public EndPoint EndPoint => place;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await place.Connections.WaitToReadAsync(cancellationToken))
            {
                if (place.Connections.TryRead(out var connection))
                    return connection;
            }
            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            place.Close();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            place.Close();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>
/// A connection under its second server. The first one keeps the socket, and closes it when this has ended.
/// </summary>
internal sealed class HandedConnection(ConnectionContext inner) : ConnectionContext
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Ended => _ended.Task;

    public override string ConnectionId
    {
        get => inner.ConnectionId;
        set => inner.ConnectionId = value;
    }

    /// <summary>What the second server sets stays with it.</summary>
    public override IFeatureCollection Features { get; } = new FeatureCollection(inner.Features);

    public override IDictionary<object, object?> Items
    {
        get => inner.Items;
        set => inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => inner.Transport;
        set => inner.Transport = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => inner.LocalEndPoint;
        set => inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => inner.RemoteEndPoint;
        set => inner.RemoteEndPoint = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => inner.ConnectionClosed;
        set => inner.ConnectionClosed = value;
    }

    public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

    public override ValueTask DisposeAsync()
    {
        _ended.TrySetResult();
        return base.DisposeAsync();
    }
}
