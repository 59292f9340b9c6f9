using System.Text.Json;
using Souk.Gateway.Calls;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Http;

/// <summary>
/// X-22: /ready asks the health service of every app through the mesh and lists who is not ready. Answers are
/// kept for a second, so that probing cannot become load.
/// </summary>
internal sealed class Readiness(Contracts contracts, Backend backend, Drain drain, TimeProvider clock)
    : IDisposable
{
    private const string HealthPath = "/grpc.health.v1.Health/Check";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private (IReadOnlyList<(string App, bool IsReady)> Apps, DateTimeOffset At) _last = (
        [],
        DateTimeOffset.MinValue
    );

    public async Task HandleAsync(HttpContext context)
    {
        var apps = await AskAsync(context.RequestAborted);
        var isReady = !drain.IsOn && apps.All(app => app.IsReady);
        using var body = new PooledBuffer();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString(
                "status",
                isReady ? "ready"
                    : drain.IsOn ? "draining"
                    : "not_ready"
            );
            json.WriteStartObject("apps");
            foreach (var (app, appIsReady) in apps)
                json.WriteString(app, appIsReady ? "ready" : "not_ready");
            json.WriteEndObject();
            json.WriteEndObject();
        }
        context.Response.StatusCode = isReady
            ? StatusCodes.Status200OK
            : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }

    /// <summary>Whether one app is ready.</summary>
    public async Task<bool> IsReadyAsync(string app, CancellationToken token) =>
        (await AskAsync(token)).Any(state => state.App == app && state.IsReady);

    public void Dispose() => _gate.Dispose();

    private async Task<IReadOnlyList<(string App, bool IsReady)>> AskAsync(CancellationToken token)
    {
        await _gate.WaitAsync(token);
        try
        {
            if (clock.GetUtcNow() - _last.At > Kept)
                _last = (await Task.WhenAll(contracts.AppIds.Select(AskAsync)), clock.GetUtcNow());
            return _last.Apps;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<(string App, bool IsReady)> AskAsync(string app)
    {
        using var timeout = new CancellationTokenSource(Timeout);
        using var call = new GrpcCall(app, HealthPath) { Deadline = Timeout };
        try
        {
            using var reply = await backend.SendAsync(call, timeout.Token);
            // HealthCheckResponse.status = SERVING.
            var isServing =
                await reply.NextAsync(timeout.Token) && reply.Message.SequenceEqual<byte>([1 << 3, 1]);
            // Read to its end: a reply that is dropped before counts as given up, and wears the connection.
            await reply.FinishAsync(timeout.Token);
            return (app, isServing);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return (app, false);
        }
    }
}
