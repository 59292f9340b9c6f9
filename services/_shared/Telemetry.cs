using System.Diagnostics;
using System.Diagnostics.Metrics;
using Grpc.Core;

namespace Souk.Shared;

/// <summary>
/// The names under which traces and metrics leave the process, and the one measurement that every RPC makes.
/// </summary>
public static class Telemetry
{
    /// <summary>The name of the source and of the meter.</summary>
    public const string Name = "Souk";

    /// <summary>Spans of our own, such as "reserve_inventory".</summary>
    public static ActivitySource Activities { get; } = new(Name);

    /// <summary>Instruments of our own.</summary>
    public static Meter Meter { get; } = new(Name);

    private static readonly Histogram<double> Calls = Meter.CreateHistogram<double>(
        "rpc.server.duration",
        "ms",
        "Time from an RPC's arrival to its answer"
    );

    internal static void RecordCall(string method, StatusCode code, TimeSpan elapsed)
    {
        if (!Calls.Enabled)
            return;
        Calls.Record(
            elapsed.TotalMilliseconds,
            new KeyValuePair<string, object?>("rpc.method", method),
            new KeyValuePair<string, object?>("rpc.grpc.status_code", (int)code)
        );
    }
}
