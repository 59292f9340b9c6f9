using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Souk.Shared.Connections;

/// <summary>A connection that one endpoint accepted and another serves.</summary>
internal sealed class HandedConnection(ConnectionContext accepted) : ConnectionContext
{
    private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the connection has been served.</summary>
    public Task Served => _served.Task;

    public override IDuplexPipe Transport { get; set; } = accepted.Transport;

    public override string ConnectionId { get; set; } = accepted.ConnectionId;

    // What the second endpoint adds must not replace what the first still uses.
    public override IFeatureCollection Features { get; } = new FeatureCollection(accepted.Features);

    public override IDictionary<object, object?> Items { get; set; } = accepted.Items;

    public override CancellationToken ConnectionClosed { get; set; } = accepted.ConnectionClosed;

    public override EndPoint? LocalEndPoint { get; set; } = accepted.LocalEndPoint;

    public override EndPoint? RemoteEndPoint { get; set; } = accepted.RemoteEndPoint;

    public override void Abort(ConnectionAbortedException abortReason) => accepted.Abort(abortReason);

    public override ValueTask DisposeAsync()
    {
        _served.TrySetResult();
        return base.DisposeAsync();
    }
}
