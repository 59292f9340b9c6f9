using Microsoft.Extensions.Logging;

namespace Souk.Sidecar;

/// <summary>How this process logs: its own decisions, one line each, and nothing per call.</summary>
internal static class Logs
{
    /// <summary>Set once, by the command line, before anything logs.</summary>
    public static LogLevel Level { get; set; } = LogLevel.Information;

    /// <summary>One JSON object a line, each value under its name; set with <see cref="Level"/>.</summary>
    public static bool AsJson { get; set; }

    public static void Configure(ILoggingBuilder logging)
    {
        logging.SetMinimumLevel(Level);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("Grpc", LogLevel.Error);
        // Throws what it logs: whoever starts the host tells it in one line.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        if (AsJson)
        {
            logging.AddJsonConsole(console =>
            {
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
                console.UseUtcTimestamp = true;
            });
            return;
        }
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
            console.UseUtcTimestamp = true;
        });
    }
}
