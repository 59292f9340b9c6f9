using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Processes;

/// <summary>Starts the apps of a run, tells when one ends, and stops them all.</summary>
/// <param name="folder">Where each app's process is written down.</param>
/// <param name="runId">Marks every app in its environment as this run's.</param>
/// <param name="restart">Whether an app that ends without being asked to is started again; Dapr does
/// not.</param>
/// <param name="clock">Times the pauses.</param>
/// <param name="logger">Takes what happens to the apps.</param>
internal sealed partial class AppRunner(
    RunFolder folder,
    string runId,
    bool restart,
    TimeProvider clock,
    ILogger logger
) : IDisposable
{
    // Long enough that an app which cannot start does not keep the machine busy.
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    // What an app may take to finish its work after SIGTERM.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Running> _running = new(StringComparer.Ordinal);
    private readonly LogPump _output = new(Console.OpenStandardOutput());

    public void Start(AppSpec app)
    {
        var log = AppLog.Open(app, _running.Count, AppLog.UsesColours, clock.GetUtcNow());
        var running = new Running(Launch(app), log);
        running.Watch = WatchAsync(app, running);
        lock (_gate)
            _running[app.AppId] = running;
    }

    /// <summary>
    /// Waits for the end: true when every app has ended and not all were asked to, false when asked to stop.
    /// </summary>
    /// <param name="hasNoEnd">Whether some sidecar serves on when the apps have ended.</param>
    public async Task<bool> WaitAsync(bool hasNoEnd, CancellationToken cancellation)
    {
        Running[] all;
        lock (_gate)
            all = [.. _running.Values];
        try
        {
            await Task.WhenAll(all.Select(running => running.Watch)).WaitAsync(cancellation);
            if (hasNoEnd)
                await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellation);
            return all.Any(running => !running.IsStopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var running in _running.Values)
            running.Log.Dispose();
    }

    /// <summary>Asks one app to stop.</summary>
    public void Stop(string appId)
    {
        lock (_gate)
        {
            if (_running.TryGetValue(appId, out var running))
                Terminate(running);
        }
    }

    /// <summary>Asks every app to stop, and ends those that do not.</summary>
    public async Task StopAllAsync()
    {
        Running[] all;
        lock (_gate)
            all = [.. _running.Values];
        foreach (var running in all)
            Terminate(running);
        try
        {
            await Task.WhenAll(all.Select(running => running.Watch)).WaitAsync(StopTimeout, clock);
        }
        catch (TimeoutException)
        {
            foreach (var running in all.Where(running => !running.Watch.IsCompleted))
            {
                LogKilled(logger, running.Process.Id);
                running.Process.Kill(entireProcessTree: true);
            }
            await Task.WhenAll(all.Select(running => running.Watch));
        }
    }

    private ProcessStartInfo StartInfoOf(AppSpec app)
    {
        var command = app.Command[0];
        if (command.Contains('/'))
            command = Path.GetFullPath(command, app.Directory);
        var info = new ProcessStartInfo(command, app.Command.Skip(1))
        {
            WorkingDirectory = app.Directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        info.Environment["APP_ID"] = app.AppId;
        info.Environment["APP_PORT"] = app.AppPort.ToString(CultureInfo.InvariantCulture);
        info.Environment["APP_CHANNEL_ADDRESS"] = app.AppAddress;
        info.Environment["APP_PROTOCOL"] = app.Protocol;
        info.Environment["DAPR_HTTP_PORT"] = app.HttpPort.ToString(CultureInfo.InvariantCulture);
        info.Environment["DAPR_GRPC_PORT"] = app.GrpcPort.ToString(CultureInfo.InvariantCulture);
        // Without a port of their own metrics are on the HTTP port.
        var metrics = app.MetricsPort > 0 ? app.MetricsPort : app.HttpPort;
        info.Environment["DAPR_METRICS_PORT"] = metrics.ToString(CultureInfo.InvariantCulture);
        info.Environment[Orphans.Marker] = runId;
        foreach (var (name, value) in app.Environment)
            info.Environment[name] = value;
        return info;
    }

    private Process Launch(AppSpec app)
    {
        var process = new Process { StartInfo = StartInfoOf(app) };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            process.Dispose();
            throw new ConfigException($"app '{app.AppId}': cannot start '{app.Command[0]}': {e.Message}", e);
        }
        folder.Write(app.AppId, process.Id);
        LogStarted(logger, app.AppId, process.Id);
        return process;
    }

    private async Task WatchAsync(AppSpec app, Running running)
    {
        await EndAsync(app.AppId, running);
        while (restart && !running.IsStopping)
        {
            await Task.Delay(RestartPause, clock);
            lock (_gate)
            {
                if (running.IsStopping)
                    return;
                running.Process = Launch(app);
            }
            await EndAsync(app.AppId, running);
        }
    }

    private async Task EndAsync(string appId, Running running)
    {
        var process = running.Process;
        var pumps = Task.WhenAll(
            _output.PumpAsync(running.Log, process.StandardOutput.BaseStream),
            _output.PumpAsync(running.Log, process.StandardError.BaseStream)
        );
        await process.WaitForExitAsync();
        // What it said last is worth a moment; but a child that it left behind may hold its output open for
        // ever.
        await Task.WhenAny(pumps, Task.Delay(LastWords, clock));
        folder.Delete(appId);
        LogExited(logger, appId, process.ExitCode);
    }

    private void Terminate(Running running)
    {
        lock (_gate)
        {
            running.IsStopping = true;
            if (!running.Process.HasExited)
                ProcessMark.Of(running.Process.Id)?.Terminate();
        }
    }

    [LoggerMessage(LogLevel.Information, "{App} started as process {Pid}")]
    private static partial void LogStarted(ILogger logger, string app, int pid);

    [LoggerMessage(LogLevel.Warning, "{App} exited with code {Code}")]
    private static partial void LogExited(ILogger logger, string app, int code);

    [LoggerMessage(LogLevel.Warning, "Process {Pid} did not stop in time and is killed")]
    private static partial void LogKilled(ILogger logger, int pid);

    /// <summary>An app's present process; guarded by the gate.</summary>
    private sealed class Running(Process process, AppLog log)
    {
        public AppLog Log => log;
        public Process Process { get; set; } = process;
        public Task Watch { get; set; } = Task.CompletedTask;
        public bool IsStopping { get; set; }
    }
}
