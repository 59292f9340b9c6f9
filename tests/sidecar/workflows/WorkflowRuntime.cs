using Dapr.DurableTask.Protobuf;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Sidecar;
using Souk.Sidecar.Api;
using Souk.Sidecar.Api.Http;
using Souk.Sidecar.Components;
using Souk.Sidecar.Files;
using Souk.Sidecar.Redis;
using Souk.Sidecar.Workflows;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>The workflow service of one app behind a real gRPC port, on a database that outlives
/// it.</summary>
internal sealed class WorkflowRuntime : IAsyncDisposable
{
    private readonly WebApplication? _web;
    private readonly WorkflowEngine? _engine;
    private bool _closed;

    private WorkflowRuntime(string grpc, string http, string appId)
    {
        AppId = appId;
        Channel = GrpcChannel.ForAddress(grpc);
        Http = new HttpClient { BaseAddress = new Uri(http) };
        Client = new TaskHubSidecarService.TaskHubSidecarServiceClient(Channel);
    }

    private WorkflowRuntime(WebApplication web, WorkflowEngine engine, string appId)
        : this(web.Urls.First(), web.Urls.Last(), appId)
    {
        _web = web;
        _engine = engine;
    }

    public WorkflowEngine Engine => _engine ?? throw GivenSidecar.Unfit("a workflow engine of its own");

    /// <summary>Where it listens, for a successor that takes its place.</summary>
    public int Port => new Uri($"http://{Channel.Target}").Port;

    public string AppId { get; }

    public GrpcChannel Channel { get; }

    public TaskHubSidecarService.TaskHubSidecarServiceClient Client { get; }

    public HttpClient Http { get; }

    public WorkflowManagement Management => new(Engine, TimeProvider.System);

    /// <summary>The runtime that is there already; one of the test's own where none is.</summary>
    public static async Task<WorkflowRuntime> FindAsync(SidecarDatabase database)
    {
        var (grpc, http) = GivenSidecar.Addresses;
        return GivenSidecar.IsThere
            ? new WorkflowRuntime(grpc, http, GivenSidecar.AppId("shop"))
            : await StartAsync(database);
    }

    public static async Task<WorkflowRuntime> StartAsync(
        SidecarDatabase database,
        string appId = "shop",
        int? port = null
    )
    {
        GivenSidecar.RefuseFor("a workflow engine whose workers are all its own");
        var place = port ?? FreePorts.One();
        await Ports.UntilFreeAsync(place);
        var engine = new WorkflowEngine(database.ConnectionString, TimeProvider.System, NullLogger.Instance);
        var builder = Loopback.Builder((place, HttpProtocols.Http2), (0, HttpProtocols.Http1));
        builder.Services.AddGrpc();
        // With every kind of route, as the runtime itself has.
        builder.Services.AddRouting();
        builder.Services.AddSingleton(new TaskHubService(engine));
        builder.Services.AddSingleton(
            new DaprService(TimeProvider.System, new WorkflowManagement(engine, TimeProvider.System))
        );
        var app = await OpenAppAsync(appId);
        builder.Services.AddSingleton(_ => app);
        var web = builder.Build();
        web.Use(
            (context, next) =>
            {
                context.Features.Set(app);
                return next(context);
            }
        );
        web.MapGrpcService<TaskHubService>();
        web.MapGrpcService<DaprService>();
        new WorkflowHttp(new WorkflowManagement(engine, TimeProvider.System)).Map(new ApiRoutes(web));
        await web.StartAsync();
        return new WorkflowRuntime(web, engine, appId);
    }

    /// <summary>Ends as `kill -9` does: nothing is flushed, nobody is told.</summary>
    public async Task CrashAsync()
    {
        _closed = true;
        await Engine.DisposeAsync();
        await CloseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_closed)
        {
            _closed = true;
            if (_engine is not null)
            {
                await _engine.StopAsync();
            }
            await CloseAsync();
        }
    }

    // An app without components of its own: the workflow service asks nothing but its id.
    private static async Task<SidecarApp> OpenAppAsync(string appId)
    {
        var services = new ComponentServices(
            new RedisClients(TimeProvider.System),
            TimeProvider.System,
            NullLoggerFactory.Instance
        );
        var components = await ComponentSet.OpenAsync([], [appId], services, default);
        var spec = new AppSpec { AppId = appId, Directory = "." };
        return new SidecarApp(spec, components, new SocketsHttpHandler(), new SidecarSettings(), services);
    }

    private async Task CloseAsync()
    {
        if (_web is not null)
        {
            await _web.KillAsync();
        }
        Channel.Dispose();
        Http.Dispose();
    }
}
