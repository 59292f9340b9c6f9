using System.Collections.Concurrent;

namespace Souk.Sidecar.Components;

/// <summary>
/// The policies that hold for one app's calls. A target's circuit is one for as long as the sidecar lives, so
/// each target's policy is made once.
/// </summary>
internal sealed class AppResiliency(IReadOnlyList<ResiliencyPolicies> documents, TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, TargetPolicy?> _apps = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Resilience> _inbound = new(StringComparer.Ordinal);

    /// <summary>What holds for calls to another app; null for nothing.</summary>
    public TargetPolicy? ForApp(string appId)
    {
        if (documents.Count == 0)
            return null;
        if (_apps.TryGetValue(appId, out var known))
            return known;
        var policies = First(document => document.AppOf(appId));
        return policies is null ? null : _apps.GetOrAdd(appId, _ => Make(policies));
    }

    /// <summary>
    /// What holds for calls to a component, of a kind such as <c>Statestore</c>; null for nothing. Made anew
    /// with each call: the component keeps it.
    /// </summary>
    public TargetPolicy? ForComponent(string name, string kind) =>
        First(document => document.OutboundOf(name, kind)) is { } policies ? Make(policies) : null;

    /// <summary>What holds for events of a binding that come to the app; null for nothing.</summary>
    public TargetPolicy? ForInput(string binding) =>
        First(document => document.InboundOf(binding, "Bindings")) is { } policies ? Make(policies) : null;

    /// <summary>What holds for deliveries of a pub/sub to the app: one circuit for all its topics.</summary>
    public Resilience Inbound(string pubSub) =>
        _inbound.GetOrAdd(
            pubSub,
            name =>
                First(document => document.InboundOf(name, "Pubsub")) is { } policies
                    ? new Resilience(policies.Retry ?? RetryPolicy.None, policies.Timeout ?? TimeSpan.Zero)
                    {
                        Breaker = BreakerOf(policies),
                    }
                    : Resilience.None
        );

    private TargetPolicies? First(Func<ResiliencyPolicies, TargetPolicies?> find) =>
        documents.Select(find).FirstOrDefault(policies => policies is not null);

    private TargetPolicy Make(TargetPolicies policies) =>
        new(
            policies.Retry ?? RetryPolicy.None,
            policies.Timeout ?? TimeSpan.Zero,
            BreakerOf(policies),
            clock
        );

    private CircuitBreaker? BreakerOf(TargetPolicies policies) =>
        policies.Breaker is { } breaker ? new CircuitBreaker(breaker, clock) : null;
}
