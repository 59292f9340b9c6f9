using Souk.Sidecar.Components;

namespace Souk.Sidecar.PubSub;

/// <summary>A configured pub/sub: its broker and who may do what with it.</summary>
internal sealed record PubSubComponent(ComponentSpec Spec, IBroker Broker)
{
    public string Name => Spec.Name;

    public TopicScopes Scopes { get; } = new(Spec);

    /// <summary>
    /// Whether topics are told apart by namespace: so when the component's metadata names the namespace.
    /// </summary>
    public bool IsByNamespace =>
        Spec.Metadata.Values.Any(value => value.Contains("{namespace}", StringComparison.Ordinal));

    /// <summary>The consumer group of an app: its id, unless the component names another.</summary>
    public string ConsumerOf(SidecarApp app)
    {
        var consumer = Spec.Text("consumerID") ?? app.AppId;
        return consumer
            .Replace("{appID}", app.AppId, StringComparison.Ordinal)
            .Replace("{namespace}", app.QualifiedId, StringComparison.Ordinal);
    }
}
