using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Processes;

/// <summary>What <see cref="MeshRun"/> hosts and starts.</summary>
internal sealed record MeshRunOptions(IReadOnlyList<AppSpec> Apps)
{
    public bool StartApps { get; init; }

    /// <summary>Whether an app that dies is started again.</summary>
    public bool RestartApps { get; init; }

    public SidecarSettings Settings { get; init; } = SidecarSettings.FromEnvironment();

    /// <summary>Null for no pid files.</summary>
    public string? PidDirectory { get; init; }
}

/// <summary>
/// One life of the program: sidecars up, apps up, wait for a signal, apps down, sidecars down.
/// </summary>
internal static partial class MeshRun
{
    public static async Task<int> RunAsync(MeshRunOptions options)
    {
        using var signals = new StopSignals();
        using var logs = LoggerFactory.Create(Logs.Configure);
        var logger = logs.CreateLogger("Souk.Sidecar");
        var pids = new PidFiles(options.PidDirectory);
        pids.Write("sidecar", Environment.ProcessId);
        await using var server = await SidecarServer.StartAsync(
            options.Apps,
            options.Settings,
            signals.Token
        );
        foreach (var app in server.Apps.All)
            LogHosted(logger, app.AppId, app.Spec.GrpcPort, app.Spec.HttpPort, app.Spec.AppPort);
        var runner = new AppRunner(pids, options.RestartApps, TimeProvider.System, logger);
        foreach (var app in server.Apps.All)
        {
            app.RequestShutdown = server.Apps.All.Count == 1 ? signals.Stop : () => runner.Stop(app.AppId);
            if (options.StartApps && app.Spec.Command.Count > 0)
                runner.Start(app.Spec);
        }
        var allExited = await runner.WaitAsync(signals.Token);
        await runner.StopAllAsync();
        pids.Delete("sidecar");
        return allExited ? 1 : 0;
    }

    [LoggerMessage(LogLevel.Information, "Sidecar of {App}: gRPC {GrpcPort}, HTTP {HttpPort}, app {AppPort}")]
    private static partial void LogHosted(
        ILogger logger,
        string app,
        int grpcPort,
        int httpPort,
        int appPort
    );

    // The first SIGTERM or SIGINT asks to stop; a second one ends the process at once.
    private sealed class StopSignals : IDisposable
    {
        private readonly CancellationTokenSource _source = new();
        private readonly PosixSignalRegistration[] _registrations;

        public StopSignals() =>
            _registrations = [
                PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
                PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            ];

        public CancellationToken Token => _source.Token;

        // Cancelling runs callbacks; whoever asks to stop need not wait for them.
        public void Stop() => _ = _source.CancelAsync();

        public void Dispose()
        {
            foreach (var registration in _registrations)
                registration.Dispose();
            _source.Dispose();
        }

        private void Handle(PosixSignalContext context)
        {
            if (_source.IsCancellationRequested)
                return;
            context.Cancel = true;
            Stop();
        }
    }
}

/// <summary>Files that tell scripts what runs: <c>name.pid</c> with the process id.</summary>
internal sealed class PidFiles(string? directory)
{
    public void Write(string name, int pid)
    {
        if (directory is null)
            return;
        Directory.CreateDirectory(directory);
        File.WriteAllText(PathOf(directory, name), pid.ToString(CultureInfo.InvariantCulture) + "\n");
    }

    public void Delete(string name)
    {
        if (directory is not null)
            File.Delete(PathOf(directory, name));
    }

    private static string PathOf(string directory, string name) => Path.Combine(directory, name + ".pid");
}
