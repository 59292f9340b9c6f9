using Google.Protobuf.WellKnownTypes;

namespace Souk.Sidecar.Workflows;

/// <summary>Instants of the protocol, whatever a worker put into them.</summary>
internal static class Times
{
    /// <summary>By convention a timer of the last second of year 9999 never fires.</summary>
    private static readonly DateTimeOffset Never = new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);

    /// <summary>The instant, or null for one that never comes.</summary>
    public static DateTimeOffset? Instant(Timestamp? time)
    {
        if (time is null || time.Seconds < DateTimeOffset.MinValue.ToUnixTimeSeconds())
        {
            return DateTimeOffset.MinValue;
        }
        return time.Seconds >= Never.ToUnixTimeSeconds()
            ? null
            : DateTimeOffset
                .FromUnixTimeSeconds(time.Seconds)
                .AddTicks(Math.Clamp(time.Nanos, 0, 999_999_999) / 100);
    }
}
