using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Sidecar;

/// <summary>How an app's health is asked for; only where the sidecar was told to.</summary>
internal sealed record AppHealthCheck
{
    public string Path { get; init; } = "/healthz";

    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>So many failures in a row make the app unhealthy; one success makes it healthy.</summary>
    public int Threshold { get; init; } = 3;
}

/// <summary>
/// Asks the app how it is, again and again, and tells when its state changes. An app starts unhealthy.
/// </summary>
internal sealed class AppHealth(AppHealthCheck check, AppChannel app, TimeProvider clock)
{
    private int _failures;
    private volatile bool _isHealthy;

    public bool IsHealthy => _isHealthy;

    /// <summary>Runs for ever.</summary>
    public async Task WatchAsync(
        Func<CancellationToken, Task> onHealthy,
        Func<CancellationToken, Task> onUnhealthy,
        CancellationToken cancellation
    )
    {
        while (true)
        {
            if (await ProbeAsync(cancellation))
            {
                _failures = 0;
                if (!_isHealthy)
                {
                    _isHealthy = true;
                    await onHealthy(cancellation);
                }
            }
            else if (++_failures == check.Threshold && _isHealthy)
            {
                _isHealthy = false;
                await onUnhealthy(cancellation);
            }
            await Task.Delay(check.Interval, clock, cancellation);
        }
    }

    private async Task<bool> ProbeAsync(CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(check.Timeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            return app.Http is { } http
                ? await ProbeAsync(http, both.Token)
                : await ProbeGrpcAsync(both.Token);
        }
        catch (Exception e)
            when (e is HttpRequestException or RpcException or OperationCanceledException
                && !cancellation.IsCancellationRequested
            )
        {
            return false;
        }
    }

    private async Task<bool> ProbeAsync(HttpAppChannel http, CancellationToken cancellation)
    {
        using var request = http.Request(HttpMethod.Get, check.Path);
        using var response = await http.SendAsync(request, cancellation);
        return response.IsSuccessStatusCode;
    }

    private async Task<bool> ProbeGrpcAsync(CancellationToken cancellation)
    {
        if (app.Grpc is not { } channel)
            return false;
        var client = new AppCallbackHealthCheck.AppCallbackHealthCheckClient(channel);
        await client.HealthCheckAsync(new Empty(), app.Headers(), cancellationToken: cancellation);
        return true;
    }
}
