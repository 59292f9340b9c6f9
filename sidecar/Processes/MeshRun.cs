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

    /// <summary>Where the run writes down what it is; null for nowhere.</summary>
    public string? PidDirectory { get; init; }

    /// <summary>What the run is called where it is listed.</summary>
    public string Name { get; init; } = "";

    /// <summary>Whether what an earlier run left behind may be ended.</summary>
    public bool KillOrphans { get; init; }
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
        var folder = new RunFolder(options.PidDirectory);
        if (options.StartApps)
            await Orphans.ClearAsync(folder, options.KillOrphans, TimeProvider.System, logger);
        await using var server = await SidecarServer.StartAsync(
            options.Apps,
            options.Settings,
            signals.Token
        );
        var record = RecordOf(options, server);
        folder.Write(record);
        folder.Write(RunFolder.Runtime, Environment.ProcessId);
        foreach (var app in server.Apps.All)
            LogHosted(logger, app.AppId, app.Spec.GrpcPort, app.Spec.HttpPort, app.Spec.AppPort);
        using var runner = new AppRunner(
            folder,
            record.RunId,
            options.RestartApps,
            TimeProvider.System,
            logger
        );
        using var silence = SilentApps.Watch(server.Apps.All, TimeProvider.System, logger);
        foreach (var app in server.Apps.All)
        {
            app.RequestShutdown = server.Apps.All.Count == 1 ? signals.Stop : () => runner.Stop(app.AppId);
            if (options.StartApps && app.Spec.Command.Count > 0)
                runner.Start(app.Spec);
        }
        // A sidecar whose app somebody else starts has no end of its own.
        var hasNoEnd = !options.StartApps || options.Apps.Any(app => app.Command.Count == 0);
        var allExited = await runner.WaitAsync(hasNoEnd, signals.Token);
        await server.QuiesceAsync();
        await runner.StopAllAsync();
        await server.FinishAsync();
        folder.Close();
        return allExited ? 1 : 0;
    }

    private static RunRecord RecordOf(MeshRunOptions options, SidecarServer server) =>
        new(
            Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString("N"),
            options.Name,
            [
                .. server.Apps.All.Select(app => new AppRecord(
                    app.AppId,
                    app.Spec.AppPort,
                    app.Spec.HttpPort,
                    app.Spec.GrpcPort,
                    string.Join(' ', app.Spec.Command)
                )),
            ]
        );

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
