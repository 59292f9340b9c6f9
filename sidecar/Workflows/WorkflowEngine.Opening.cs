using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.Workflows;

/// <summary>Taking over an app's workflows: claim, read the log, take up where it ends; and losing
/// them.</summary>
internal sealed partial class WorkflowEngine
{
    private static readonly TimeSpan ReopenDelay = TimeSpan.FromMilliseconds(500);

    // Two runtimes of one app take it from each other for as long as both live: slowly, so that both get work
    // done.
    private static readonly TimeSpan ReclaimDelay = TimeSpan.FromSeconds(5);

    private readonly HashSet<string> _lost = [];

    /// <summary>Makes the app's workflows run in this process; returns when they are in memory.</summary>
    public async Task<WorkflowApp> OpenAsync(string appId, CancellationToken cancellation)
    {
        WorkflowApp? app;
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
            {
                throw WorkflowFault.Stopping();
            }
            if (!_apps.TryGetValue(appId, out app))
            {
                _apps[appId] = app = new WorkflowApp(appId);
                app.Opening = OpenUntilDoneAsync(app, _lost.Remove(appId) ? ReclaimDelay : TimeSpan.Zero);
            }
        }
        // The app keeps opening when the caller gives up: the next caller finds it further on.
        await app.Opening.WaitAsync(cancellation);
        return app;
    }

    private async Task OpenUntilDoneAsync(WorkflowApp app, TimeSpan delay)
    {
        var cancellation = _stopping.Token;
        while (true)
        {
            try
            {
                // Also without a delay: the caller holds the lock.
                await Task.Yield();
                await Task.Delay(delay, _clock, cancellation);
                var epoch = await _store.ClaimAsync(app.AppId, cancellation);
                var runs = await ReadRunsAsync(app.AppId, cancellation);
                lock (_gate)
                {
                    app.Open(epoch);
                    runs.ForEach(run => TakeUp(app, run));
                    Pump();
                }
                LogOpened(_logger, app.AppId, runs.Count);
                return;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                throw WorkflowFault.Stopping();
            }
            catch (Exception e)
            {
                LogNotOpened(_logger, e, app.AppId);
                delay = ReopenDelay;
            }
        }
    }

    private async Task<List<Run>> ReadRunsAsync(string appId, CancellationToken cancellation)
    {
        var runs = new List<Run>();
        await foreach (var record in _store.ReadActiveAsync(appId, cancellation))
        {
            if (runs.Count == 0 || runs[^1].Key != record.Key)
            {
                runs.Add(new Run(record.Key));
            }
            runs[^1].Apply(record);
        }
        return runs;
    }

    /// <summary>Derives from a run's state everything that a crash takes away.</summary>
    private void TakeUp(WorkflowApp app, Run run)
    {
        app.Add(run);
        run.Published = run.View();
        foreach (var task in run.Tasks.Values)
        {
            Dispatch(task);
        }
        foreach (var timer in run.Timers.Values)
        {
            Arm(run, timer);
        }
        if (run.History.Count == 0)
        {
            AwaitStart(run);
        }
        if (run.Terminating)
        {
            AddTimer(run, TimerKind.TerminateGrace, Now + TerminateGrace);
        }
        QueueTurn(run);
    }

    /// <summary>
    /// Another process claimed the app: it goes on from the log, and what this one has in memory is void.
    /// </summary>
    private void Lose(LogRecord record)
    {
        var appId = record.Key.AppId;
        if (!IsCurrent(record))
        {
            return;
        }
        LogLost(_logger, appId);
        var reason = WorkflowFault.MovedAway(appId);
        _apps[appId].Close();
        _apps.Remove(appId);
        _lost.Add(appId);
        QueueOf(appId).CloseAll(reason);
        _queues.Remove(appId);
        _watchers.FailAll(key => key.AppId == appId, reason);
    }

    private static void ThrowIfLost(WorkflowApp app)
    {
        if (!app.IsOpen)
        {
            throw WorkflowFault.MovedAway(app.AppId);
        }
    }

    [LoggerMessage(LogLevel.Information, "Workflows of {App} are open, {Active} of them active")]
    private static partial void LogOpened(ILogger logger, string app, int active);

    [LoggerMessage(LogLevel.Warning, "Workflows of {App} cannot be opened yet, trying again")]
    private static partial void LogNotOpened(ILogger logger, Exception reason, string app);

    [LoggerMessage(LogLevel.Warning, "Another runtime took over the workflows of {App}")]
    private static partial void LogLost(ILogger logger, string app);
}
