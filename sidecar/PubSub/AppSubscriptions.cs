using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.PubSub;

/// <summary>
/// Keeps an app's subscriptions as the app and the resource files want them. They stay while the app is down,
/// so what is published meanwhile waits at the broker; when the app is back it is asked again.
/// </summary>
internal sealed partial class AppSubscriptions(
    SidecarApp app,
    IReadOnlyList<DeclaredSubscription> declared,
    TimeProvider clock,
    ILogger<AppSubscriptions> logger
) : IAsyncDisposable
{
    private static readonly TimeSpan ListTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ListRetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<(string PubSub, string Topic), Active> _active = [];
    private volatile IReadOnlyList<TopicRoute> _current = [];

    public IReadOnlyList<TopicRoute> Current => _current;

    /// <summary>
    /// Asks the app for its topics and brings the subscriptions in line. Called when the app comes up.
    /// </summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        if (await ListAsync(cancellation) is not { } programmatic)
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
        _current = [.. _active.Values.Select(active => active.Route)];
        LogSubscribed(logger, app.AppId, _active.Count);
    }

    /// <summary>Ends all subscriptions, until the next refresh.</summary>
    public async Task StopAsync()
    {
        await Task.WhenAll(_active.Values.Select(active => active.DisposeAsync()));
        _active.Clear();
        _current = [];
    }

    public async ValueTask DisposeAsync() => await StopAsync();

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
        var resilience = app.Components.InboundResilience(route.PubSubName);
        var delivery = new TopicDelivery(app.Channel, component, route, resilience, clock, logger);
        var subscription = component.Broker.Subscribe(
            route.Topic,
            component.ConsumerOf(app),
            delivery.HandleAsync
        );
        return new Active(route, delivery, subscription);
    }

    // Null when the app went down again before it could say.
    private async Task<List<TopicRoute>?> ListAsync(CancellationToken cancellation)
    {
        if (app.Channel.Callbacks is not { } callbacks)
            return [];
        while (true)
        {
            try
            {
                var deadline = clock.GetUtcNow().Add(ListTimeout).UtcDateTime;
                var reply = await callbacks.ListTopicSubscriptionsAsync(
                    new Empty(),
                    app.Channel.Headers(),
                    deadline,
                    cancellation
                );
                return [.. reply.Subscriptions.Select(ToRoute)];
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
            {
                return [];
            }
            catch (RpcException e) when (!cancellation.IsCancellationRequested)
            {
                app.Channel.Report(e);
                if (!app.Channel.IsUp)
                    return null;
                LogListFailed(logger, app.AppId, e.Status.ToString());
                await Task.Delay(ListRetryDelay, clock, cancellation);
            }
        }
    }

    private TopicRoute ToRoute(TopicSubscription subscription)
    {
        if (subscription.Routes?.Rules.Count > 0)
            LogRulesIgnored(logger, app.AppId, subscription.Topic);
        return new TopicRoute(subscription.PubsubName, subscription.Topic, subscription.Routes?.Default ?? "")
        {
            DeadLetterTopic = subscription.DeadLetterTopic,
            Metadata = subscription.Metadata,
        };
    }

    private sealed record Active(TopicRoute Route, TopicDelivery Delivery, IAsyncDisposable Subscription)
    {
        public async Task DisposeAsync()
        {
            await Subscription.DisposeAsync();
            Delivery.Dispose();
        }
    }

    [LoggerMessage(LogLevel.Information, "{App} has {Count} subscriptions")]
    private static partial void LogSubscribed(ILogger logger, string app, int count);

    [LoggerMessage(LogLevel.Error, "{App} wants {Topic} of {PubSub}, which is not a pub/sub of its")]
    private static partial void LogUnknown(ILogger logger, string app, string topic, string pubSub);

    [LoggerMessage(LogLevel.Error, "{App} may not subscribe to {Topic} of {PubSub}")]
    private static partial void LogForbidden(ILogger logger, string app, string topic, string pubSub);

    [LoggerMessage(LogLevel.Warning, "{App} did not list its subscriptions: {Reason}")]
    private static partial void LogListFailed(ILogger logger, string app, string reason);

    [LoggerMessage(
        LogLevel.Warning,
        "{App}: routing rules for {Topic} are not supported, its default route serves"
    )]
    private static partial void LogRulesIgnored(ILogger logger, string app, string topic);
}
