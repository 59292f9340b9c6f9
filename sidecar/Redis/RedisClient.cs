namespace Souk.Sidecar.Redis;

/// <summary>
/// A Redis that is connected when needed. A command that finds no connection waits for the next one; a
/// command whose connection breaks under it fails, because only its caller knows whether it may run twice.
/// </summary>
internal sealed class RedisClient(RedisOptions options, TimeSpan readTimeout, TimeProvider clock)
    : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposed = new();
    private RedisConnection? _connection;
    private Task<RedisConnection>? _connecting;

    public async Task<RespValue> ExecuteAsync(RedisArg[] command, CancellationToken cancellation)
    {
        var connection = await ConnectedAsync(cancellation);
        var reply = await connection.SendAsync(command).WaitAsync(cancellation);
        return reply.OrThrow();
    }

    /// <summary>
    /// Sends commands back to back and hands back every reply; an error reply is the caller's to judge.
    /// </summary>
    public async Task<RespValue[]> ExecuteAsync(RedisArg[][] commands, CancellationToken cancellation)
    {
        var connection = await ConnectedAsync(cancellation);
        return await connection.SendAsync(commands).WaitAsync(cancellation);
    }

    /// <summary>
    /// Runs a command that may run twice: once more when the connection broke under the first try.
    /// </summary>
    public async Task<RespValue> RepeatableAsync(RedisArg[] command, CancellationToken cancellation)
    {
        try
        {
            return await ExecuteAsync(command, cancellation);
        }
        catch (RedisConnectionException)
        {
            return await ExecuteAsync(command, cancellation);
        }
    }

    public async Task<RespValue> EvaluateAsync(
        LuaScript script,
        RedisArg[] keys,
        RedisArg[] arguments,
        CancellationToken cancellation
    )
    {
        script.Sha ??= await LoadAsync(script, cancellation);
        try
        {
            return await ExecuteAsync(Call(script.Sha), cancellation);
        }
        catch (RedisServerException e) when (e.Is("NOSCRIPT"))
        {
            // The server was restarted or flushed its scripts.
            return await ExecuteAsync(Call(await LoadAsync(script, cancellation)), cancellation);
        }

        RedisArg[] Call(string sha) => ["EVALSHA", sha, keys.Length, .. keys, .. arguments];
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        Task? connecting;
        lock (_gate)
            connecting = _connecting;
        // One that opens at this moment would be nobody's.
        if (connecting is not null)
            await connecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_connection is { } connection)
            await connection.DisposeAsync();
    }

    private async Task<string> LoadAsync(LuaScript script, CancellationToken cancellation)
    {
        var reply = await ExecuteAsync(["SCRIPT", "LOAD", script.Text], cancellation);
        return reply.Text;
    }

    private async ValueTask<RedisConnection> ConnectedAsync(CancellationToken cancellation)
    {
        if (_connection is { IsOpen: true } open)
            return open;
        Task<RedisConnection> connecting;
        lock (_gate)
        {
            if (_connection is { IsOpen: true } reopened)
                return reopened;
            _disposed.Token.ThrowIfCancellationRequested();
            if (_connecting is null or { IsCompleted: true })
                _connecting = ConnectAsync();
            connecting = _connecting;
        }
        return await connecting.WaitAsync(cancellation);
    }

    private async Task<RedisConnection> ConnectAsync()
    {
        await Task.Yield();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                var connection = await RedisConnection.OpenAsync(
                    options,
                    readTimeout,
                    clock,
                    _disposed.Token
                );
                _connection = connection;
                return connection;
            }
            catch (RedisConnectionException) when (attempt < options.RetriesMax)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50 << attempt), clock, _disposed.Token);
            }
        }
    }
}
