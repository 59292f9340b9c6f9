using System.Globalization;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Components;

/// <summary>How often and how fast something is tried again.</summary>
internal sealed record RetryPolicy(bool Exponential, TimeSpan Duration, TimeSpan MaxInterval, int MaxRetries)
{
    // Dapr's exponential policy gives up after this long whatever its number of retries.
    private static readonly TimeSpan ExponentialElapsedMax = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan ExponentialStart = TimeSpan.FromMilliseconds(500);
    private const double ExponentialFactor = 1.5;

    /// <summary>Status codes that are worth a retry; null for all.</summary>
    public IReadOnlyList<(int From, int To)>? GrpcCodes { get; init; }

    public static RetryPolicy None { get; } = new(false, TimeSpan.Zero, TimeSpan.Zero, 0);

    /// <summary>
    /// How long to wait before retry number <paramref name="retry"/> (from 1), or null to give up.
    /// <paramref name="jitter"/> is from 0 to 1.
    /// </summary>
    public TimeSpan? DelayBefore(int retry, TimeSpan elapsed, double jitter)
    {
        if (MaxRetries >= 0 && retry > MaxRetries)
            return null;
        if (!Exponential)
            return Duration;
        if (elapsed > ExponentialElapsedMax)
            return null;
        var grown = ExponentialStart * Math.Pow(ExponentialFactor, Math.Min(retry - 1, 64));
        var capped = grown > MaxInterval ? MaxInterval : grown;
        return capped * (0.5 + jitter);
    }

    public bool Covers(int grpcCode) =>
        GrpcCodes is null || GrpcCodes.Any(range => grpcCode >= range.From && grpcCode <= range.To);
}

/// <summary>A retry policy and a time limit for each attempt (zero for none).</summary>
internal sealed record Resilience(RetryPolicy Retry, TimeSpan Timeout)
{
    public static Resilience None { get; } = new(RetryPolicy.None, TimeSpan.Zero);
}

/// <summary>One Resiliency document: named policies and what they are for.</summary>
internal sealed class ResiliencyPolicies
{
    private readonly Dictionary<string, RetryPolicy> _retries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> _timeouts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string? Retry, string? Timeout)> _inbound = new(
        StringComparer.Ordinal
    );
    private IReadOnlyList<string> _scopes = [];

    // From the most to the least specific: a default named so holds where no target is listed.
    private static readonly string[] PubSubInboundDefaults =
    [
        "DefaultPubsubComponentInbound",
        "DefaultComponentInbound",
        "Default",
    ];

    public static ResiliencyPolicies Read(YamlMap document)
    {
        var read = new ResiliencyPolicies { _scopes = document.Texts("scopes") };
        var spec = document.Map("spec") ?? throw document.Error("spec", "is required");
        var policies = spec.Map("policies");
        if (policies?.Map("timeouts") is { } timeouts)
        {
            foreach (var name in timeouts.Names())
                read._timeouts[name] = timeouts.Duration(name) ?? TimeSpan.Zero;
        }
        if (policies?.Map("retries") is { } retries)
        {
            foreach (var name in retries.Names())
                read._retries[name] = ReadRetry(retries.Map(name) ?? throw retries.Error(name, "is empty"));
        }
        if (spec.Map("targets")?.Map("components") is { } components)
        {
            foreach (var name in components.Names())
            {
                if (components.Map(name)?.Map("inbound") is { } inbound)
                    read._inbound[name] = (read.RetryNamed(inbound), read.TimeoutNamed(inbound));
            }
        }
        return read;
    }

    public bool IsFor(string appId) => _scopes.Count == 0 || _scopes.Contains(appId);

    /// <summary>
    /// What holds for deliveries from a pub/sub component; null when this document says nothing of it.
    /// </summary>
    public Resilience? InboundOf(string component)
    {
        if (_inbound.TryGetValue(component, out var target))
            return Compose(target.Retry, target.Timeout);
        var retry = PubSubInboundDefaults
            .Select(name => name + "RetryPolicy")
            .FirstOrDefault(_retries.ContainsKey);
        var timeout = PubSubInboundDefaults
            .Select(name => name + "TimeoutPolicy")
            .FirstOrDefault(_timeouts.ContainsKey);
        return retry is null && timeout is null ? null : Compose(retry, timeout);
    }

    private Resilience Compose(string? retry, string? timeout) =>
        new(
            retry is null ? RetryPolicy.None : _retries[retry],
            timeout is null ? TimeSpan.Zero : _timeouts[timeout]
        );

    private string? RetryNamed(YamlMap target)
    {
        var name = target.Text("retry");
        return name is null || _retries.ContainsKey(name)
            ? name
            : throw target.Error("retry", $"names '{name}', which is not among policies.retries");
    }

    private string? TimeoutNamed(YamlMap target)
    {
        var name = target.Text("timeout");
        return name is null || _timeouts.ContainsKey(name)
            ? name
            : throw target.Error("timeout", $"names '{name}', which is not among policies.timeouts");
    }

    private static RetryPolicy ReadRetry(YamlMap map)
    {
        var kind = map.Text("policy") ?? "constant";
        if (kind is not ("constant" or "exponential"))
            throw map.Error("policy", $"must be constant or exponential, not '{kind}'");
        return new RetryPolicy(
            kind == "exponential",
            map.Duration("duration") ?? TimeSpan.FromSeconds(5),
            map.Duration("maxInterval") ?? TimeSpan.FromSeconds(60),
            map.Whole("maxRetries", -1, int.MaxValue) ?? -1
        )
        {
            GrpcCodes = map.Map("matching") is { } matching ? ReadCodes(matching) : null,
        };
    }

    private static List<(int From, int To)>? ReadCodes(YamlMap matching)
    {
        if (matching.Text("gRPCStatusCodes") is not { Length: > 0 } text)
            return null;
        var ranges = new List<(int, int)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = part.Split('-', 2, StringSplitOptions.TrimEntries);
            if (
                !int.TryParse(ends[0], CultureInfo.InvariantCulture, out var from)
                || !int.TryParse(ends[^1], CultureInfo.InvariantCulture, out var to)
                || from > to
            )
                throw matching.Error("gRPCStatusCodes", $"has '{part}', which is neither a code nor a range");
            ranges.Add((from, to));
        }
        return ranges;
    }
}
