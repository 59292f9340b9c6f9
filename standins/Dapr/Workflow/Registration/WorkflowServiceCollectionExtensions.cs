using Dapr.Common.Serialization;
using Dapr.Workflow.Registration;
using Dapr.Workflow.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dapr.Workflow;

/// <summary>Registers workflows. In this namespace as in the official SDK, so it needs a using.</summary>
public static class WorkflowServiceCollectionExtensions
{
    /// <summary>Registers the worker that runs the app's workflows and activities, and the client.</summary>
    public static IServiceCollection AddDaprWorkflow(
        this IServiceCollection services,
        Action<WorkflowRuntimeOptions> configure,
        ServiceLifetime lifetime = ServiceLifetime.Singleton
    )
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddDaprWorkflowBuilder(configure, configureClient: null, lifetime);
        return services;
    }

    /// <summary>The same, with access to the client's configuration.</summary>
    public static DaprWorkflowBuilder AddDaprWorkflowBuilder(
        this IServiceCollection services,
        Action<WorkflowRuntimeOptions>? configureRuntime,
        Action<IServiceProvider, DaprWorkflowClientBuilder>? configureClient = null,
        ServiceLifetime lifetime = ServiceLifetime.Singleton
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        var runtime = OptionsOf(services);
        configureRuntime?.Invoke(runtime);
        services.TryAddSingleton<IDaprSerializer>(new JsonDaprSerializer());
        services.AddHostedService<WorkflowWorker>();
        services.TryAdd(
            new ServiceDescriptor(
                typeof(DaprWorkflowClient),
                provider =>
                {
                    var builder = new DaprWorkflowClientBuilder(provider.GetService<IConfiguration>())
                    {
                        Serializer = provider.GetRequiredService<IDaprSerializer>(),
                    };
                    if (provider.GetRequiredService<WorkflowRuntimeOptions>().ChannelOptions is { } options)
                        builder.UseGrpcChannelOptions(options);
                    configureClient?.Invoke(provider, builder);
                    return builder.Build();
                },
                lifetime
            )
        );
        services.TryAdd(
            new ServiceDescriptor(
                typeof(IDaprWorkflowClient),
                provider => provider.GetRequiredService<DaprWorkflowClient>(),
                lifetime
            )
        );
        return new DaprWorkflowBuilder(services);
    }

    // One set of options however often workflows are registered: several features of an app may bring their
    // own.
    private static WorkflowRuntimeOptions OptionsOf(IServiceCollection services)
    {
        foreach (var service in services)
            if (service.ServiceType == typeof(WorkflowRuntimeOptions))
                return (WorkflowRuntimeOptions?)service.ImplementationInstance
                    ?? throw new InvalidOperationException(
                        "The workflow options are registered as a factory."
                    );
        var options = new WorkflowRuntimeOptions();
        services.AddSingleton(options);
        return options;
    }
}
