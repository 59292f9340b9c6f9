using Souk.Sidecar.Bindings;
using Souk.Sidecar.Locks;
using Souk.Sidecar.Metrics;
using Souk.Sidecar.PubSub;
using Souk.Sidecar.Secrets;
using Souk.Sidecar.State;

namespace Souk.Sidecar.Components;

/// <summary>The components that one app may use, by name.</summary>
internal sealed class AppComponents
{
    private readonly Dictionary<string, StateComponent> _states;
    private readonly Dictionary<string, PubSubComponent> _pubSubs;
    private readonly Dictionary<string, RedisLock> _locks;
    private readonly Dictionary<string, SecretComponent> _secrets;
    private readonly Dictionary<string, BindingComponent> _bindings;
    private readonly Dictionary<string, HttpEndpoint> _endpoints;

    public AppComponents(string appId, string space, ComponentSet set, AppMetrics metrics, TimeProvider clock)
    {
        Resiliency = new AppResiliency([.. set.Files.Resiliencies.Where(item => item.IsFor(appId))], clock);
        // What is measured is what a caller waits for: all attempts.
        _states = set
            .States.Where(item => item.Spec.IsFor(appId))
            .Select(UnderPolicy)
            .Select(item => item with { Store = new MeteredStateStore(item.Store, item.Name, metrics) })
            .ToDictionary(item => item.Name);
        _pubSubs = set
            .PubSubs.Where(item => item.Spec.IsFor(appId))
            .Select(item => InNamespace(item, space))
            .Select(UnderPolicy)
            .Select(item => item with { Broker = new MeteredBroker(item.Broker, item.Name, metrics) })
            .ToDictionary(item => item.Name);
        _locks = set
            .Locks.Where(item => item.Spec.IsFor(appId))
            .Select(UnderPolicy)
            .ToDictionary(item => item.Spec.Name);
        _secrets = set.Secrets.Where(item => item.Spec.IsFor(appId)).ToDictionary(item => item.Spec.Name);
        _bindings = set
            .Bindings.Where(item => item.Spec.IsFor(appId))
            .Select(UnderPolicy)
            .ToDictionary(item => item.Name);
        _endpoints = set.HttpEndpoints.Where(item => item.IsFor(appId)).ToDictionary(item => item.Name);
        ActorStore = set.States.FirstOrDefault(item => item.Spec.IsFor(appId) && item.IsActorStore);
    }

    public AppResiliency Resiliency { get; }

    public IReadOnlyCollection<StateComponent> States => _states.Values;

    public IReadOnlyCollection<PubSubComponent> PubSubs => _pubSubs.Values;

    public IReadOnlyCollection<RedisLock> Locks => _locks.Values;

    public IReadOnlyCollection<SecretComponent> Secrets => _secrets.Values;

    public IReadOnlyCollection<BindingComponent> Bindings => _bindings.Values;

    /// <summary>Where workflows keep their history; null when the app has none.</summary>
    public StateComponent? ActorStore { get; }

    public StateComponent? State(string name) => _states.GetValueOrDefault(name);

    public PubSubComponent? PubSub(string name) => _pubSubs.GetValueOrDefault(name);

    public RedisLock? Lock(string name) => _locks.GetValueOrDefault(name);

    public SecretComponent? Secret(string name) => _secrets.GetValueOrDefault(name);

    public BindingComponent? Binding(string name) => _bindings.GetValueOrDefault(name);

    public HttpEndpoint? HttpEndpoint(string name) => _endpoints.GetValueOrDefault(name);

    public IReadOnlyCollection<HttpEndpoint> HttpEndpoints => _endpoints.Values;

    private StateComponent UnderPolicy(StateComponent state) =>
        Resiliency.ForComponent(state.Name, "Statestore") is { } policy
            ? state with
            {
                Store = new ResilientStateStore(state.Store, policy),
            }
            : state;

    private static PubSubComponent InNamespace(PubSubComponent pubSub, string space) =>
        space.Length > 0 && pubSub.IsByNamespace
            ? pubSub with
            {
                Broker = new NamespacedBroker(pubSub.Broker, space),
            }
            : pubSub;

    private PubSubComponent UnderPolicy(PubSubComponent pubSub) =>
        Resiliency.ForComponent(pubSub.Name, "Pubsub") is { } policy
            ? pubSub with
            {
                Broker = new ResilientBroker(pubSub.Broker, policy),
            }
            : pubSub;

    private RedisLock UnderPolicy(RedisLock locks) =>
        Resiliency.ForComponent(locks.Spec.Name, "Lock") is { } policy ? locks.Under(policy) : locks;

    private BindingComponent UnderPolicy(BindingComponent binding) =>
        binding.Output is { } output && Resiliency.ForComponent(binding.Name, "Bindings") is { } policy
            ? binding with
            {
                Output = new ResilientBinding(output, policy),
            }
            : binding;

    /// <summary>What holds for deliveries of a pub/sub to this app.</summary>
    public Resilience InboundResilience(string pubSub) => Resiliency.Inbound(pubSub);
}
