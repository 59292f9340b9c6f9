using System.Net;

namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// Connections to one server, for unary calls: a few, so that several threads can read, and more while the
/// server takes no further calls on these.
/// </summary>
internal sealed class Http2Connections : IDisposable
{
    private const int ConnectionsMax = 64;
    private const int RepeatsMax = 3;
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(5);

    private readonly int _usual;
    private readonly Lock _gate = new();
    private readonly EndPoint _server;
    private readonly TimeProvider _clock;
    private readonly ITimer _heart;
    private volatile Http2Connection[] _open = [];
    private volatile Http2Connection[] _leaving = [];
    private Task _opening = Task.CompletedTask;
    private uint _turn;
    private bool _isClosed;

    /// <summary>Connects with the first call.</summary>
    /// <param name="usual">How many connections are opened even when there is still room on each.</param>
    public Http2Connections(EndPoint server, TimeProvider clock, int usual)
    {
        (_server, _clock, _usual) = (server, clock, usual);
        _heart = clock.CreateTimer(_ => Beat(), null, BeatEvery, BeatEvery);
    }

    /// <summary>
    /// The whole answer; an IOException where there is none. A call that the server never looked at is sent
    /// again.
    /// </summary>
    public async ValueTask<UnaryReply> CallAsync(GrpcCall call, CancellationToken token)
    {
        for (var repeatsLeft = RepeatsMax; ; repeatsLeft--)
        {
            var stream = new UnaryStream(call);
            try
            {
                await BeginAsync(stream, token);
                using (token.UnsafeRegister(Leave, stream))
                    await stream.Answered;
                return new UnaryReply(stream);
            }
            catch (UnprocessedException) when (repeatsLeft > 0)
            {
                stream.Body.Dispose();
            }
            catch
            {
                stream.Body.Dispose();
                throw;
            }
        }
    }

    public void Dispose()
    {
        _heart.Dispose();
        lock (_gate)
            _isClosed = true;
        foreach (var connection in (Http2Connection[])[.. _open, .. _leaving])
            connection.Dispose();
    }

    private static void Leave(object? state, CancellationToken token)
    {
        if (state is UnaryStream { Connection: { } connection } stream)
            connection.GiveUp(stream, new OperationCanceledException(token));
    }

    private async ValueTask BeginAsync(UnaryStream stream, CancellationToken token)
    {
        while (true)
        {
            token.ThrowIfCancellationRequested();
            var open = _open;
            var first = Interlocked.Increment(ref _turn);
            for (uint at = 0; at < open.Length; at++)
            {
                var connection = open[(first + at) % open.Length];
                if (connection.TryBegin(stream))
                {
                    if (open.Length < _usual)
                        _ = OpenAsync();
                    return;
                }
                if (connection.IsRetired)
                    Drop(connection);
            }
            await OpenAsync().WaitAsync(token);
        }
    }

    /// <summary>Opens one more connection; callers that come meanwhile wait for the same one.</summary>
    private Task OpenAsync()
    {
        lock (_gate)
            return _opening.IsCompleted ? _opening = OpenOneAsync() : _opening;
    }

    private async Task OpenOneAsync()
    {
        if (_open.Length >= ConnectionsMax)
            throw new IOException("All connections are full.");
        using var patience = new CancellationTokenSource(ConnectPatience, _clock);
        Http2Connection connection;
        try
        {
            connection = await Http2Connection.OpenAsync(_server, _clock, patience.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new IOException("The server does not answer.", e);
        }
        lock (_gate)
        {
            if (!_isClosed)
            {
                _open = [.. _open, connection];
                return;
            }
        }
        connection.Dispose();
        throw new IOException("The gateway is closing.");
    }

    /// <summary>Takes a connection out of use for new calls; its last ones may still be under way.</summary>
    private void Drop(Http2Connection connection)
    {
        lock (_gate)
        {
            if (!_open.Contains(connection))
                return;
            _open = [.. _open.Where(other => other != connection)];
            _leaving = [.. _leaving, connection];
        }
    }

    private void Beat()
    {
        lock (_gate)
            _leaving = [.. _leaving.Where(connection => !connection.IsClosed)];
        foreach (var connection in (Http2Connection[])[.. _open, .. _leaving])
            connection.Beat();
    }
}
