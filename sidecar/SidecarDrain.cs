using Microsoft.Extensions.Logging;
using Souk.Sidecar.Workflows;

namespace Souk.Sidecar;

/// <summary>
/// The way out of a process of sidecars. The apps get no new work, while what they have under way ends with
/// all that it asks of its sidecar; then nobody gets in any more, and calls under way end. What is not done
/// in time is cut off: brokers and the workflow log hold it for the next sidecar.
/// </summary>
internal sealed partial class SidecarDrain(
    AppDirectory apps,
    WorkflowEngine? workflows,
    SidecarSettings settings,
    TimeProvider clock,
    ILogger logger
)
{
    private Task _timeUp = Task.CompletedTask;

    /// <summary>Nothing was cut off.</summary>
    public bool IsClean { get; private set; } = true;

    /// <summary>Takes no more work for the apps, and returns when they have done what they had.</summary>
    public async Task QuiesceAsync()
    {
        LogDraining(logger);
        var work = Task.WhenAll([
            .. apps.All.Select(app => app.DrainAsync()),
            workflows?.DrainAsync() ?? Task.CompletedTask,
        ]);
        if (settings.BlockShutdown > TimeSpan.Zero)
            await Task.WhenAny(
                Task.WhenAll(apps.All.Select(app => app.UntilIllAsync())),
                Task.Delay(settings.BlockShutdown, clock)
            );
        _timeUp = Task.Delay(settings.DrainTimeout, clock);
        // Apps of one process are a mesh: what one has under way may be a call to another.
        if (apps.All is [var alone])
        {
            alone.Admission.CloseToApp();
            work = Task.WhenAll(work, alone.Channel.UntilIdleAsync());
        }
        await InTimeAsync(work, "work of the apps");
    }

    /// <summary>Lets no call in any more, and returns when those under way have ended.</summary>
    public async Task FinishAsync()
    {
        var calls = Task.WhenAll(apps.All.Select(app => app.Admission.CloseAsync()));
        workflows?.HangUp();
        await InTimeAsync(calls, "calls");
        await InTimeAsync(Task.WhenAll(apps.All.Select(app => app.DrainOutboxesAsync())), "outbox events");
    }

    private async Task InTimeAsync(Task work, string what)
    {
        if (await Task.WhenAny(work, _timeUp) == work || work.IsCompleted)
        {
            await work;
            return;
        }
        IsClean = false;
        LogCutOff(logger, what, settings.DrainTimeout.TotalSeconds);
    }

    [LoggerMessage(LogLevel.Information, "Shutting down: no new work, what is under way ends")]
    private static partial void LogDraining(ILogger logger);

    [LoggerMessage(LogLevel.Warning, "Some {What} did not end within {Seconds} s and will be cut off")]
    private static partial void LogCutOff(ILogger logger, string what, double seconds);
}
