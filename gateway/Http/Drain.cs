namespace Souk.Gateway.Http;

/// <summary>
/// A stop that no caller notices: first /ready says 503, so that balancers look elsewhere; then, after a
/// notice, no connection is accepted any more, and what is under way gets the time to end. HTTP/1.1 callers
/// are told with their answer to connect anew, those of HTTP/2 by Kestrel's GOAWAY.
/// </summary>
internal sealed class Drain(GatewaySettings settings, IHostApplicationLifetime lifetime, TimeProvider clock)
    : IHostedLifecycleService
{
    /// <summary>Whether the process is about to end.</summary>
    public bool IsOn => lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>
    /// Tells the caller of this request to come back on another connection, if it is time to.
    /// </summary>
    public Task RunAsync(HttpContext context, RequestDelegate next)
    {
        if (IsOn && HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
        return next(context);
    }

    /// <summary>Runs before the listeners are told to stop.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) =>
        settings.DrainNotice > TimeSpan.Zero
            ? Task.Delay(settings.DrainNotice, clock, cancellationToken)
            : Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
