using Souk.Sidecar.Components;

namespace Souk.Sidecar.State;

/// <summary>A configured state store.</summary>
internal sealed record StateComponent(ComponentSpec Spec, IStateStore Store)
{
    public string Name => Spec.Name;

    public KeyPrefix Keys { get; } = KeyPrefix.Of(Spec);

    /// <summary>Null when transactions publish nothing.</summary>
    public OutboxSettings? Outbox { get; } = OutboxSettings.From(Spec);

    /// <summary>The store that workflows keep their history in.</summary>
    public bool IsActorStore { get; } = Spec.Flag("actorStateStore");
}

/// <summary>Where a store's transactional outbox publishes.</summary>
internal sealed record OutboxSettings(
    string PubSub,
    string Topic,
    string InternalPubSub,
    bool DiscardWhenMissing
)
{
    public static OutboxSettings? From(ComponentSpec spec)
    {
        var pubSub = spec.Text("outboxPublishPubsub");
        var topic = spec.Text("outboxPublishTopic");
        return pubSub is null || topic is null
            ? null
            : new OutboxSettings(
                pubSub,
                topic,
                spec.Text("outboxPubsub") ?? pubSub,
                spec.Flag("outboxDiscardWhenMissingState")
            );
    }

    public string InternalTopic(SidecarApp app) => $"{app.Namespace}{app.AppId}{Topic}outbox";
}
