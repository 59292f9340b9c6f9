using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>
/// Services in this process, each with a fresh database, that call each other as they would through sidecars.
/// The clock stands still until a test moves it; jobs and the outbox run when a test says so.
/// </summary>
/// <example>
/// <code>
/// _mesh = new TestMesh();
/// await _mesh.AddAsync("catalog", CatalogHost.Configure);
/// var seller = TestCaller.Seller();
/// var catalog = _mesh.Client&lt;CatalogService.CatalogServiceClient&gt;("catalog", seller);
/// </code>
/// </example>
internal sealed class TestMesh : IAsyncDisposable
{
    private readonly List<TestService> _services = [];
    private readonly SemaphoreSlim _delivering = new(1, 1);
    private TestSidecar? _sidecar;

    internal TestMesh()
    {
        Tokens = new TestTokens(Clock);
        Bus = new TestBus(Routes);
    }

    internal ManualTimeProvider Clock { get; } = new();

    internal TestTokens Tokens { get; }

    internal TestRoutes Routes { get; } = new();

    internal TestBus Bus { get; }

    /// <summary>
    /// Starts real sidecars for these apps, for state, locks and workflows; to be called before the apps are
    /// added. Calls and outbox events still take the short way.
    /// </summary>
    internal async Task StartSidecarAsync(params string[] appIds) =>
        _sidecar = await TestSidecar.StartAsync(appIds);

    /// <summary>Starts a service under an app id.</summary>
    /// <param name="overrides">Replaces parts: an outside provider, a job's interval.</param>
    /// <param name="change">Changes the settings, such as the ports of a real sidecar.</param>
    internal async Task<TestService> AddAsync(
        string appId,
        Action<ServiceBuilder> configure,
        Action<IServiceCollection>? overrides = null,
        Func<ServiceSettings, ServiceSettings>? change = null
    )
    {
        var database = TestDatabase.Named(
            appId,
            settings =>
            {
                settings = settings with { LogLevel = LogLevel.Error };
                if (_sidecar?.Ports.GetValueOrDefault(appId) is { } ports)
                {
                    settings = settings with
                    {
                        AppPort = ports.App,
                        DaprGrpcPort = ports.Grpc,
                        DaprHttpPort = ports.Http,
                    };
                }
                return change?.Invoke(settings) ?? settings;
            }
        );
        var service = await StartAsync(appId, database, configure, overrides);
        if (_sidecar?.Ports.ContainsKey(appId) == true)
            await _sidecar.UntilReadyAsync(appId);
        return service;
    }

    /// <summary>Starts a second process of a service on its database, reached as the app id and
    /// "-2".</summary>
    internal Task<TestService> AddReplicaAsync(
        TestService of,
        Action<ServiceBuilder> configure,
        Action<IServiceCollection>? overrides = null
    ) => StartAsync($"{of.AppId}-2", TestDatabase.Of(of.Settings with { AppPort = 0 }), configure, overrides);

    private async Task<TestService> StartAsync(
        string address,
        TestDatabase database,
        Action<ServiceBuilder> configure,
        Action<IServiceCollection>? overrides
    )
    {
        var app = ServiceHost.Build(
            database.Settings,
            configure,
            services =>
            {
                Replace(services, database.Settings);
                overrides?.Invoke(services);
            }
        );
        await ServiceHost.MigrateAsync(app, CancellationToken.None);
        await app.StartAsync();
        var service = new TestService(address, app, database);
        _services.Add(service);
        Routes.Add(address, service.Address);
        Bus.Add(address);
        return service;
    }

    /// <summary>A client of a service; without a caller it sends no token.</summary>
    internal T Client<T>(string appId, TestCaller? caller = null)
        where T : ClientBase<T>
    {
        var invoker = Routes.To(appId);
        if (caller is not null)
        {
            invoker = invoker.Intercept(headers =>
            {
                headers.Add("authorization", $"Bearer {Tokens.Mint(caller)}");
                return headers;
            });
        }
        return (T)Activator.CreateInstance(typeof(T), invoker)!;
    }

    /// <summary>
    /// Publishes and delivers until no outbox has anything left, so that consequences of consequences are in.
    /// </summary>
    internal async Task DeliverEventsAsync()
    {
        // One at a time: a publisher passes over rows that another is about to publish, and would be done
        // before they are there.
        await _delivering.WaitAsync();
        try
        {
            await DrainOutboxesAsync();
        }
        finally
        {
            _delivering.Release();
        }
    }

    private async Task DrainOutboxesAsync()
    {
        const int roundsMax = 100;
        for (var round = 0; round < roundsMax; round++)
        {
            var published = 0;
            foreach (var service in _services)
                published += await service.Get<OutboxPublisher>().PublishBatchAsync(CancellationToken.None);
            if (published == 0)
                return;
        }
        Assert.Fail("Events keep causing events.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _services)
            await service.DisposeAsync();
        if (_sidecar is not null)
            await _sidecar.DisposeAsync();
        Routes.Dispose();
        Tokens.Dispose();
        _delivering.Dispose();
    }

    private void Replace(IServiceCollection services, ServiceSettings settings)
    {
        var realKeys = services.Last(part => part.ServiceType == typeof(ITokenKeySource));
        services.AddSingleton<TimeProvider>(Clock);
        services.AddSingleton<IMeshRoutes>(Routes);
        services.AddSingleton<IEventBus>(Bus);
        services.AddSingleton<IServiceTokenSource>(new TestServiceTokenSource(Tokens, settings.AppId));
        services.AddSingleton<ITokenKeySource>(provider => new TestKeySource(
            Tokens,
            () => Routes.Has("identity") ? (ITokenKeySource)Make(realKeys, provider) : null
        ));
    }

    private static object Make(ServiceDescriptor part, IServiceProvider provider) =>
        part.ImplementationFactory?.Invoke(provider)
        ?? part.ImplementationInstance
        ?? ActivatorUtilities.GetServiceOrCreateInstance(provider, part.ImplementationType!);
}
