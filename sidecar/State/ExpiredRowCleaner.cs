using Microsoft.Extensions.Logging;
using Npgsql;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.State;

/// <summary>Deletes expired rows of a PostgreSQL store every <c>cleanupInterval</c>.</summary>
internal sealed partial class ExpiredRowCleaner : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    public ExpiredRowCleaner(PostgresStateStore store, ComponentSpec spec, ComponentServices services)
    {
        var fallback = spec.Duration("cleanupIntervalInSeconds", TimeSpan.FromHours(1));
        var interval = spec.Duration("cleanupInterval", fallback);
        var logger = services.Logs.CreateLogger<ExpiredRowCleaner>();
        _running =
            interval > TimeSpan.Zero
                ? Task.Run(() => RunAsync(store, interval, services.Clock, logger))
                : Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync(
        PostgresStateStore store,
        TimeSpan interval,
        TimeProvider clock,
        ILogger logger
    )
    {
        while (true)
        {
            try
            {
                await Task.Delay(interval, clock, _stopping.Token);
                await store.DeleteExpiredAsync(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (NpgsqlException e)
            {
                LogSkipped(logger, e.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Expired state was not deleted this time: {Reason}")]
    private static partial void LogSkipped(ILogger logger, string reason);
}
