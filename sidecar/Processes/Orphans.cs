using Microsoft.Extensions.Logging;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Processes;

/// <summary>
/// What an earlier run of the same folder left behind when it was killed. Known by the run's own id in a
/// process's environment: nothing else is ever touched.
/// </summary>
internal static partial class Orphans
{
    /// <summary>The environment variable that every app of a run is started with.</summary>
    public const string Marker = "SIDECAR_RUN";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Ends what is left, or says that something is, if it may not be ended.</summary>
    public static async Task ClearAsync(RunFolder folder, bool mayKill, TimeProvider clock, ILogger logger)
    {
        if (folder.Find(RunFolder.Runtime) is { } running)
            throw new ConfigException($"process {running.Pid} runs this already ({folder.Directory})");
        if (folder.Record is not { } record)
            return;
        var left = ProcessMark.With(Marker, record.RunId);
        if (left.Count > 0 && !mayKill)
        {
            var pids = string.Join(", ", left.Select(mark => mark.Pid));
            throw new ConfigException(
                $"an earlier run left processes behind ({pids}); --kill-orphans ends them"
            );
        }
        foreach (var orphan in left)
        {
            LogOrphan(logger, orphan.Pid);
            orphan.Terminate();
        }
        foreach (var orphan in left)
        {
            if (!await orphan.UntilGoneAsync(Patience, clock))
                orphan.KillOutright();
        }
    }

    [LoggerMessage(LogLevel.Warning, "Process {Pid} was left behind by an earlier run and is ended")]
    private static partial void LogOrphan(ILogger logger, int pid);
}
