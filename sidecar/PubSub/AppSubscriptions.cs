using System.Collections.Concurrent;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Keeps an app's subscriptions as the app and the resource files want them. They stay while the app is down,
/// so what is published meanwhile waits at the broker; when the app is back it is asked again. Streams that
/// the app opens come on top.
/// </summary>
internal sealed partial class AppSubscriptions(
    SidecarApp app,
    IReadOnlyList<DeclaredSubscription> declared,
    TimeProvider clock,
    ILogger<AppSubscriptions> logger
) : IAsyncDisposable
{
    private readonly SubscriptionSource _source = new(app, clock, logger);
    private readonly Dictionary<(string PubSub, string Topic), Active> _active = [];
    private readonly ConcurrentDictionary<Active, byte> _streams = new();
    private readonly CancellationTokenSource _ending = new();
    private volatile bool _isDraining;
    private volatile IReadOnlyList<TopicRoute> _listed = [];

    public IEnumerable<TopicRoute> Current => _listed.Concat(_streams.Keys.Select(active => active.Route));

    /// <summary>Cancelled when the sidecar ends, after what streams had under way.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>
    /// Asks the app for its topics and brings the subscriptions in line. Called when the app comes up.
    /// </summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        if (await _source.ListAsync(cancellation) is not { } programmatic)
            return;
        var wanted = new Dictionary<(string, string), TopicRoute>();
        foreach (var subscription in declared)
        {
            if (subscription.IsFor(app.AppId))
                wanted.TryAdd((subscription.Route.PubSubName, subscription.Route.Topic), subscription.Route);
        }
        foreach (var route in programmatic)
            wanted[(route.PubSubName, route.Topic)] = route;

        foreach (var (key, active) in _active.ToArray())
        {
            if (wanted.TryGetValue(key, out var route) && route.IsSameAs(active.Route))
                continue;
            _active.Remove(key);
            await active.DisposeAsync();
        }
        foreach (var (key, route) in wanted)
        {
            if (!_active.ContainsKey(key) && Subscribe(route) is { } active)
                _active[key] = active;
        }
        _listed = [.. _active.Values.Select(active => active.Route)];
        LogSubscribed(logger, app.AppId, _active.Count);
    }

    /// <summary>A stream that the app reads its events from.</summary>
    public EventStream StreamTo(IServerStreamWriter<SubscribeTopicEventsResponseAlpha1> events) =>
        new(events, clock, logger);

    /// <summary>Delivers to a stream until disposed, beside whatever else the app subscribed to.</summary>
    public IAsyncDisposable Subscribe(TopicRoute route, PubSubComponent component, EventStream stream)
    {
        var resilience = app.Components.InboundResilience(component.Name);
        var active = Start(route, component, stream, resilience);
        active.Ended = () => _streams.TryRemove(active, out _);
        _streams[active] = 0;
        // Too late to be among those that drain; its caller disposes it at once.
        if (_isDraining)
            _ = active.DrainAsync();
        return active;
    }

    /// <summary>
    /// Takes no more events, returns when the app has answered those it has, and ends its streams.
    /// </summary>
    public async Task DrainAsync()
    {
        _isDraining = true;
        await Task.WhenAll(_active.Values.Concat(_streams.Keys).Select(active => active.DrainAsync()));
        await _ending.CancelAsync();
    }

    /// <summary>Ends what the app or a file subscribed to, until the next refresh.</summary>
    public async Task StopAsync()
    {
        await Task.WhenAll(_active.Values.Select(active => active.DisposeAsync().AsTask()));
        _active.Clear();
        _listed = [];
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await StopAsync();
        await Task.WhenAll(_streams.Keys.Select(active => active.DisposeAsync().AsTask()));
    }

    private Active? Subscribe(TopicRoute route)
    {
        if (app.Components.PubSub(route.PubSubName) is not { } component)
        {
            LogUnknown(logger, app.AppId, route.Topic, route.PubSubName);
            return null;
        }
        if (!component.Scopes.MaySubscribe(app.AppId, route.Topic))
        {
            LogForbidden(logger, app.AppId, route.Topic, route.PubSubName);
            return null;
        }
        if (TargetOf() is not { } target)
            return null;
        var resilience = app.Components.InboundResilience(component.Name);
        if (route.Bulk is not { } bulk)
            return Start(route, component, target, resilience);
        // Time limit and circuit are those of the call, not of an event that waits for others to go with it.
        var concurrency = component.Broker.Concurrency;
        var batches = new BatchingTarget(target, bulk, resilience, concurrency, clock);
        return Start(route, component, batches, new Resilience(resilience.Retry, TimeSpan.Zero));
    }

    private IBulkEventTarget? TargetOf()
    {
        if (app.Channel.Http is { } http)
            return new HttpTarget(app.Channel, http, clock);
        return app.Channel.Grpc is { } grpc ? new GrpcTarget(app.Channel, grpc, clock) : null;
    }

    private Active Start(
        TopicRoute route,
        PubSubComponent component,
        IEventTarget target,
        Resilience resilience
    )
    {
        var delivery = new TopicDelivery(target, component, route, resilience, clock, logger);
        var group = component.ConsumerOf(app);
        var subscription = component.Broker.Subscribe(route.Topic, group, delivery.HandleAsync);
        return new Active(route, subscription, delivery, target as IDisposable);
    }

    private sealed class Active(
        TopicRoute route,
        ISubscription subscription,
        TopicDelivery delivery,
        IDisposable? target
    ) : IAsyncDisposable
    {
        private int _disposed;

        public TopicRoute Route => route;

        public Action Ended { get; set; } = () => { };

        public Task DrainAsync() => subscription.DrainAsync();

        // A stream may end by itself while the sidecar ends.
        public async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 1)
                return;
            Ended();
            await subscription.DisposeAsync();
            delivery.Dispose();
            target?.Dispose();
        }
    }

    [LoggerMessage(LogLevel.Information, "{App} has {Count} subscriptions")]
    private static partial void LogSubscribed(ILogger logger, string app, int count);

    [LoggerMessage(LogLevel.Error, "{App} wants {Topic} of {PubSub}, which is not a pub/sub of its")]
    private static partial void LogUnknown(ILogger logger, string app, string topic, string pubSub);

    [LoggerMessage(LogLevel.Error, "{App} may not subscribe to {Topic} of {PubSub}")]
    private static partial void LogForbidden(ILogger logger, string app, string topic, string pubSub);
}
