using Microsoft.Extensions.Logging;

namespace Souk.Sidecar;

/// <summary>How this process logs: its own decisions, one line each, and nothing per call.</summary>
internal static class Logs
{
    /// <summary>Set once, by the command line, before anything logs.</summary>
    public static LogLevel Level { get; set; } = LogLevel.Information;

    public static void Configure(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(Level);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Grpc", LogLevel.Error);
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.UseUtcTimestamp = true;
        });
    }
}
