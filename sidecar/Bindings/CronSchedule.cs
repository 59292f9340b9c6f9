using NCrontab;
using Souk.Sidecar.Components;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Bindings;

/// <summary>
/// When a cron binding fires: five fields, six with seconds first, <c>@every 15m</c>, or a word such as
/// <c>@hourly</c>; before it <c>TZ=Europe/Vienna</c>, else by the machine's time.
/// </summary>
internal sealed class CronSchedule
{
    private readonly TimeSpan? _every;
    private readonly CrontabSchedule? _fields;

    private CronSchedule(TimeSpan? every, CrontabSchedule? fields, TimeZoneInfo zone)
    {
        _every = every;
        _fields = fields;
        Zone = zone;
    }

    public TimeZoneInfo Zone { get; }

    public static CronSchedule Of(ComponentSpec spec)
    {
        var text = spec.Required("schedule").Trim();
        try
        {
            return Parse(text);
        }
        catch (Exception e)
            when (e is CrontabException or FormatException or TimeZoneNotFoundException or OverflowException)
        {
            throw spec.Error("schedule", $"'{text}' cannot be read: {e.Message}");
        }
    }

    /// <summary>The first instant after this one.</summary>
    public DateTimeOffset Next(DateTimeOffset after)
    {
        if (_every is { } every)
            return after + every;
        var local = TimeZoneInfo.ConvertTime(after, Zone).DateTime;
        var next = _fields?.GetNextOccurrence(local) ?? local;
        // An hour that clocks leave out in spring is the hour after it.
        while (Zone.IsInvalidTime(next))
            next = next.AddMinutes(30);
        return new DateTimeOffset(next, Zone.GetUtcOffset(next));
    }

    internal static CronSchedule Parse(string text)
    {
        var zone = TimeZoneInfo.Local;
        if (
            text.StartsWith("TZ=", StringComparison.Ordinal)
            || text.StartsWith("CRON_TZ=", StringComparison.Ordinal)
        )
        {
            var words = text.Split(' ', 2);
            zone = TimeZoneInfo.FindSystemTimeZoneById(words[0][(words[0].IndexOf('=') + 1)..]);
            text = words.Length > 1 ? words[1].Trim() : "";
        }
        if (text.StartsWith("@every ", StringComparison.Ordinal))
        {
            return
                GoValues.TryDuration(text["@every ".Length..], TimeSpan.FromSeconds(1), out var every)
                && every >= TimeSpan.FromMilliseconds(1)
                ? new CronSchedule(every, null, zone)
                : throw new FormatException("@every wants a duration such as 15m");
        }
        var fields = (Named(text) ?? text).Replace('?', '*');
        var hasSeconds = fields.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == 6;
        var options = new CrontabSchedule.ParseOptions { IncludingSeconds = hasSeconds };
        return new CronSchedule(null, CrontabSchedule.Parse(fields, options), zone);
    }

    private static string? Named(string text) =>
        text switch
        {
            "@yearly" or "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" or "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            _ => null,
        };
}
