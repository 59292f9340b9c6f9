using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Souk.Shared;

/// <summary>
/// Work that repeats for as long as the process lives. A run that fails is logged and the next one comes as
/// planned. Replicas all run it, so a run takes its rows with "skip locked" or is harmless twice.
/// </summary>
public abstract partial class BackgroundJob(TimeSpan interval, TimeProvider clock, ILogger logger)
    : BackgroundService
{
    /// <summary>The service's clock.</summary>
    protected TimeProvider Clock => clock;

    /// <summary>One run. Tests call it directly.</summary>
    /// <returns>Whether more is left to do at once.</returns>
    public abstract Task<bool> RunOnceAsync(CancellationToken token);

    /// <inheritdoc />
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, clock);
        do
        {
            try
            {
                while (await RunOnceAsync(stoppingToken)) { }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogFailed(logger, e, GetType().Name);
            }
        } while (await NextAsync(timer, stoppingToken));
    }

    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken token)
    {
        try
        {
            return await timer.WaitForNextTickAsync(token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Error, "{Job} failed")]
    private static partial void LogFailed(ILogger logger, Exception error, string job);
}
