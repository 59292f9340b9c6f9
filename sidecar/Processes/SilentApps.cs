using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.Processes;

/// <summary>
/// Tells of apps that do not listen where their sidecar was told they would. Such a sidecar waits without a
/// sound, and it is the commonest mistake of all.
/// </summary>
internal static partial class SilentApps
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static ITimer Watch(IReadOnlyList<SidecarApp> apps, TimeProvider clock, ILogger logger) =>
        clock.CreateTimer(_ => Tell(apps, logger), null, Patience, Timeout.InfiniteTimeSpan);

    private static void Tell(IReadOnlyList<SidecarApp> apps, ILogger logger)
    {
        foreach (var app in apps.Where(app => app.Spec.AppPort > 0 && !app.Channel.IsUp))
        {
            var problem = $"is {app.Spec.AppPort}, where the app should listen, and nobody does yet";
            LogSilent(logger, app.AppId, app.Spec.Error("appPort", "--app-port", problem).Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{App}: {Problem}")]
    private static partial void LogSilent(ILogger logger, string app, string problem);
}
