using Dapr.Client.Autogen.Grpc.v1;
using Souk.Sidecar.Files;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.Api;

/// <summary>What a sidecar says about itself.</summary>
internal static class MetadataApi
{
    /// <summary>The release of Dapr whose behaviour this runtime follows.</summary>
    public const string RuntimeVersion = "1.18.0-souk";

    public static GetMetadataResponse Get(SidecarApp app)
    {
        var response = new GetMetadataResponse
        {
            Id = app.AppId,
            RuntimeVersion = RuntimeVersion,
            AppConnectionProperties = new AppConnectionProperties
            {
                Port = app.Spec.AppPort,
                Protocol = app.Spec.Protocol,
                ChannelAddress = app.Spec.AppAddress,
                MaxConcurrency = app.Spec.MaxConcurrency,
                Health = app.Spec.HealthCheck is { } check ? Describe(check) : null,
            },
            // Workflows need no actors here, and apps cannot host any.
            ActorRuntime = new ActorRuntime
            {
                RuntimeStatus = ActorRuntime.Types.ActorRuntimeStatus.Disabled,
            },
        };
        response.EnabledFeatures.Add(app.Configuration.Features);
        response.HttpEndpoints.Add(
            app.Components.HttpEndpoints.Select(endpoint => new MetadataHTTPEndpoint { Name = endpoint.Name })
        );
        if (app.ConnectedWorkers() is { } workers)
            response.Workflows = new MetadataWorkflows { ConnectedWorkers = workers };
        response.RegisteredComponents.AddRange(ComponentsOf(app));
        response.Subscriptions.AddRange(app.Subscriptions.Current.Select(Describe));
        response.ExtendedMetadata.Add("daprRuntimeVersion", RuntimeVersion);
        foreach (var (name, value) in app.ExtendedMetadata)
            response.ExtendedMetadata[name] = value;
        return response;
    }

    private static IEnumerable<RegisteredComponents> ComponentsOf(SidecarApp app)
    {
        foreach (var state in app.Components.States)
        {
            var described = Describe(state.Spec);
            described.Capabilities.AddRange(state.Store.Capabilities);
            if (state.IsActorStore)
                described.Capabilities.Add("ACTOR");
            yield return described;
        }
        foreach (var pubSub in app.Components.PubSubs)
            yield return Describe(pubSub.Spec);
        foreach (var store in app.Components.Locks)
            yield return Describe(store.Spec);
        foreach (var store in app.Components.Secrets)
            yield return Describe(store.Spec);
        foreach (var binding in app.Components.Bindings)
        {
            var described = Describe(binding.Spec);
            described.Capabilities.Add(binding.Output is null ? "INPUT_BINDING" : "OUTPUT_BINDING");
            yield return described;
        }
    }

    private static AppConnectionHealthProperties Describe(AppHealthCheck check) =>
        new()
        {
            HealthCheckPath = check.Path,
            HealthProbeInterval = GoValues.Text(check.Interval),
            HealthProbeTimeout = GoValues.Text(check.Timeout),
            HealthThreshold = check.Threshold,
        };

    private static RegisteredComponents Describe(Components.ComponentSpec spec) =>
        new()
        {
            Name = spec.Name,
            Type = spec.Type,
            Version = spec.Version,
        };

    private static PubsubSubscription Describe(TopicRoute route)
    {
        var described = new PubsubSubscription
        {
            PubsubName = route.PubSubName,
            Topic = route.Topic,
            DeadLetterTopic = route.DeadLetterTopic,
            Rules = new PubsubSubscriptionRules(),
            Type = route.Origin switch
            {
                SubscriptionOrigin.Declared => PubsubSubscriptionType.Declarative,
                SubscriptionOrigin.Stream => PubsubSubscriptionType.Streaming,
                _ => PubsubSubscriptionType.Programmatic,
            },
        };
        foreach (var rule in route.Rules)
            described.Rules.Rules.Add(
                new PubsubSubscriptionRule { Match = rule.Match?.Text ?? "", Path = rule.Path }
            );
        if (route.Path is { } path)
            described.Rules.Rules.Add(new PubsubSubscriptionRule { Path = path });
        foreach (var (name, value) in route.Metadata)
            described.Metadata.Add(name, value);
        return described;
    }
}
