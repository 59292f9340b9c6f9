using System.Globalization;
using Souk.Sidecar.Cel;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Components;

/// <summary>The policies that a target names; null where it names none.</summary>
internal sealed record TargetPolicies(RetryPolicy? Retry, TimeSpan? Timeout, CircuitBreakerPolicy? Breaker);

/// <summary>One Resiliency document: named policies and what they are for.</summary>
internal sealed class ResiliencyPolicies
{
    private readonly Dictionary<string, RetryPolicy> _retries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> _timeouts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CircuitBreakerPolicy> _breakers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TargetPolicies> _apps = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TargetPolicies> _inbound = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TargetPolicies> _outbound = new(StringComparer.Ordinal);
    private IReadOnlyList<string> _scopes = [];

    public static ResiliencyPolicies Read(YamlMap document)
    {
        var read = new ResiliencyPolicies { _scopes = document.Texts("scopes") };
        var spec = document.Map("spec") ?? throw document.Error("spec", "is required");
        if (spec.Map("policies") is { } policies)
            read.ReadPolicies(policies);
        if (spec.Map("targets") is { } targets)
            read.ReadTargets(targets);
        return read;
    }

    public bool IsFor(string appId) => _scopes.Count == 0 || _scopes.Contains(appId);

    /// <summary>
    /// What holds for what a component brings to the app, e.g. one of the kind <c>Pubsub</c>; null when this
    /// document says nothing of it.
    /// </summary>
    public TargetPolicies? InboundOf(string component, string kind) =>
        _inbound.GetValueOrDefault(component)
        ?? Defaults($"Default{kind}ComponentInbound", "DefaultComponentInbound", "Default");

    /// <summary>What holds for calls to an app; null when this document says nothing of it.</summary>
    public TargetPolicies? AppOf(string appId) =>
        _apps.GetValueOrDefault(appId) ?? Defaults("DefaultApp", "Default");

    /// <summary>
    /// What holds for calls to a component, e.g. one of the kind <c>Statestore</c>; null when this document
    /// says nothing of it.
    /// </summary>
    public TargetPolicies? OutboundOf(string component, string kind) =>
        _outbound.GetValueOrDefault(component)
        ?? Defaults($"Default{kind}ComponentOutbound", "DefaultComponentOutbound", "Default");

    // From the most to the least specific: a default named so holds where no target is listed.
    private TargetPolicies? Defaults(params string[] prefixes)
    {
        var retry = Named(_retries, prefixes, "RetryPolicy");
        var timeout = Named(_timeouts, prefixes, "TimeoutPolicy");
        var breaker = Named(_breakers, prefixes, "CircuitBreakerPolicy");
        return retry is null && timeout is null && breaker is null
            ? null
            : new TargetPolicies(
                retry is null ? null : _retries[retry],
                timeout is null ? null : _timeouts[timeout],
                breaker is null ? null : _breakers[breaker]
            );
    }

    private static string? Named<T>(Dictionary<string, T> policies, string[] prefixes, string suffix) =>
        prefixes.Select(prefix => prefix + suffix).FirstOrDefault(policies.ContainsKey);

    private void ReadPolicies(YamlMap policies)
    {
        foreach (var (map, name) in Members(policies.Map("timeouts")))
            _timeouts[name] = map.Duration(name) ?? TimeSpan.Zero;
        foreach (var (map, name) in Members(policies.Map("retries")))
            _retries[name] = ReadRetry(map.Map(name) ?? throw map.Error(name, "is empty"));
        foreach (var (map, name) in Members(policies.Map("circuitBreakers")))
            _breakers[name] = ReadBreaker(name, map.Map(name) ?? throw map.Error(name, "is empty"));
    }

    private void ReadTargets(YamlMap targets)
    {
        foreach (var (map, name) in Members(targets.Map("apps")))
        {
            if (map.Map(name) is { } app)
                _apps[name] = ReadTarget(app);
        }
        foreach (var (map, name) in Members(targets.Map("components")))
        {
            if (map.Map(name)?.Map("inbound") is { } inbound)
                _inbound[name] = ReadTarget(inbound);
            if (map.Map(name)?.Map("outbound") is { } outbound)
                _outbound[name] = ReadTarget(outbound);
        }
    }

    private static IEnumerable<(YamlMap Map, string Name)> Members(YamlMap? map) =>
        map is null ? [] : map.Names().Select(name => (map, name));

    private TargetPolicies ReadTarget(YamlMap target) =>
        new(
            Referenced(target, "retry", "retries", _retries) is { } retry ? _retries[retry] : null,
            Referenced(target, "timeout", "timeouts", _timeouts) is { } timeout ? _timeouts[timeout] : null,
            Referenced(target, "circuitBreaker", "circuitBreakers", _breakers) is { } breaker
                ? _breakers[breaker]
                : null
        );

    private static string? Referenced<T>(
        YamlMap target,
        string member,
        string section,
        Dictionary<string, T> policies
    )
    {
        var name = target.Text(member);
        return name is null || policies.ContainsKey(name)
            ? name
            : throw target.Error(member, $"names '{name}', which is not among policies.{section}");
    }

    private static CircuitBreakerPolicy ReadBreaker(string name, YamlMap map)
    {
        var trip = map.Text("trip") ?? "consecutiveFailures > 5";
        try
        {
            return new CircuitBreakerPolicy(name, CelExpression.Parse(trip))
            {
                MaxRequests = map.Whole("maxRequests", 1, int.MaxValue) ?? 1,
                Interval = map.Duration("interval") ?? TimeSpan.Zero,
                Timeout = map.Duration("timeout") ?? TimeSpan.FromSeconds(60),
            };
        }
        catch (FormatException e)
        {
            throw map.Error("trip", $"is no expression: {e.Message}");
        }
    }

    private static RetryPolicy ReadRetry(YamlMap map)
    {
        var kind = map.Text("policy") ?? "constant";
        if (kind is not ("constant" or "exponential"))
            throw map.Error("policy", $"must be constant or exponential, not '{kind}'");
        var matching = map.Map("matching");
        return new RetryPolicy(
            kind == "exponential",
            map.Duration("duration") ?? TimeSpan.FromSeconds(5),
            map.Duration("maxInterval") ?? TimeSpan.FromSeconds(60),
            map.Whole("maxRetries", -1, int.MaxValue) ?? -1
        )
        {
            GrpcCodes = ReadCodes(matching, "gRPCStatusCodes"),
            HttpCodes = ReadCodes(matching, "httpStatusCodes"),
        };
    }

    private static List<(int From, int To)>? ReadCodes(YamlMap? matching, string member)
    {
        if (matching?.Text(member) is not { Length: > 0 } text)
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
                throw matching.Error(member, $"has '{part}', which is neither a code nor a range");
            ranges.Add((from, to));
        }
        return ranges;
    }
}
