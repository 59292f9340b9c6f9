using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Souk.Shared;

/// <summary>What a process consists of; its entry point says it in a few lines.</summary>
public sealed class ServiceBuilder
{
    private readonly List<Migration> _migrations = [];
    private readonly List<Migration> _sharedSets = [];

    internal ServiceBuilder(IServiceCollection services, ServiceSettings settings)
    {
        Services = services;
        Settings = settings;
    }

    /// <summary>The container, for whatever has no shorthand here.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The process's settings.</summary>
    public ServiceSettings Settings { get; }

    internal List<ServiceDescriptor> Descriptors { get; } = [];

    internal List<Action<WebApplication>> Endpoints { get; } = [];

    internal IReadOnlyList<Migration> Migrations => [.. _sharedSets, .. _migrations];

    internal bool HasEvents { get; private set; }

    /// <summary>
    /// Serves a gRPC service; one instance serves all calls. Its assembly's db/*.sql files are its
    /// migrations.
    /// </summary>
    public ServiceBuilder Service<T>()
        where T : class
    {
        Services.TryAddSingleton<T>();
        Descriptors.Add(DescriptorOf(typeof(T)));
        Endpoints.Add(app => app.MapGrpcService<T>());
        if (_migrations.Count == 0)
            _migrations.AddRange(Migration.From(typeof(T).Assembly, Settings.AppId));
        return this;
    }

    /// <summary>Receives other services' events.</summary>
    public ServiceBuilder Events<T>()
        where T : class, IEventHandlers
    {
        Services.AddSingleton<T>();
        Services.AddSingleton<IEventHandlers>(provider => provider.GetRequiredService<T>());
        HasEvents = true;
        return this;
    }

    /// <summary>Makes another service's client available to constructors.</summary>
    public ServiceBuilder Client<T>(string appId)
        where T : ClientBase<T>
    {
        Services.AddSingleton(provider => provider.GetRequiredService<Mesh>().Client<T>(appId));
        return this;
    }

    /// <summary>Runs a periodic job; it is a singleton that others can ask for, too.</summary>
    public ServiceBuilder Job<T>()
        where T : BackgroundJob
    {
        Services.AddSingleton<T>();
        if (Settings.RunsJobs)
            Services.AddHostedService(provider => provider.GetRequiredService<T>());
        return this;
    }

    /// <summary>Makes one instance of a class for the process.</summary>
    public ServiceBuilder Singleton<T>()
        where T : class
    {
        Services.TryAddSingleton<T>();
        return this;
    }

    /// <summary>Makes one instance of a class that the service is not healthy without.</summary>
    public ServiceBuilder Needs<T>()
        where T : class, IDependency
    {
        Services.AddSingleton<IDependency>(provider => provider.GetRequiredService<T>());
        return Singleton<T>();
    }

    /// <summary>
    /// Adds a set of migrations of the shared library, such as the reservation engine's "holds".
    /// </summary>
    public ServiceBuilder Migrate(string sharedSet)
    {
        _sharedSets.AddRange(Migration.From(typeof(ServiceBuilder).Assembly, sharedSet, sharedSet));
        return this;
    }

    // The generated base class names the static class that binds it, and that one holds the descriptor.
    internal static ServiceDescriptor DescriptorOf(System.Type service)
    {
        var bind = service.GetCustomAttribute<BindServiceMethodAttribute>(inherit: true);
        return bind?.BindType.GetProperty("Descriptor")?.GetValue(null) as ServiceDescriptor
            ?? throw new InvalidOperationException(
                $"{service.Name} does not derive from a generated service base."
            );
    }
}
