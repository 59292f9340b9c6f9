using Microsoft.Extensions.Logging;
using Npgsql;
using Souk.Sidecar.Bindings;
using Souk.Sidecar.Files;
using Souk.Sidecar.Locks;
using Souk.Sidecar.PubSub;
using Souk.Sidecar.Redis;
using Souk.Sidecar.Secrets;
using Souk.Sidecar.State;

namespace Souk.Sidecar.Components;

/// <summary>What components are made with.</summary>
internal sealed record ComponentServices(RedisClients Redis, TimeProvider Clock, ILoggerFactory Logs)
{
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Empty when there is none.</summary>
    public string Namespace { get; init; } = "";
}

/// <summary>
/// The components of some resources folders, opened once for all the apps that use those folders.
/// </summary>
internal sealed partial class ComponentSet : IAsyncDisposable
{
    private const string SecretsPrefix = "secretstores.";

    private static readonly string[] KnownTypes =
    [
        "bindings.cron",
        "bindings.http",
        "bindings.smtp",
        "lock.redis",
        "pubsub.in-memory",
        "pubsub.redis",
        "secretstores.local.env",
        "secretstores.local.file",
        "state.in-memory",
        "state.postgresql",
        "state.redis",
    ];

    // What a component may call the address of its server.
    private static readonly string[] Addresses = ["redisHost", "connectionString", "url", "host"];

    private readonly List<IAsyncDisposable> _owned = [];

    private ComponentSet(ResourceFiles files) => Files = files;

    public ResourceFiles Files { get; }

    public List<StateComponent> States { get; } = [];

    public List<PubSubComponent> PubSubs { get; } = [];

    public List<RedisLock> Locks { get; } = [];

    public List<SecretComponent> Secrets { get; } = [];

    public List<BindingComponent> Bindings { get; } = [];

    public List<HttpEndpoint> HttpEndpoints { get; } = [];

    /// <summary>
    /// Opens what at least one of the apps may use. Secret stores come first: others refer to them.
    /// </summary>
    public static async Task<ComponentSet> OpenAsync(
        IReadOnlyList<string> folders,
        IReadOnlyCollection<string> appIds,
        ComponentServices services,
        CancellationToken cancellation
    )
    {
        var set = new ComponentSet(ResourceFiles.Load(folders, services.Namespace));
        var reader = new ComponentReader(services.Environment, services.Clock);
        try
        {
            var places = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var document in set.Files.Components.OrderByDescending(IsSecretStore))
            {
                var spec = reader.Read(document);
                if (!places.TryAdd(spec.Name, spec.Place))
                    throw document.Error("metadata.name", $"'{spec.Name}' is taken by {places[spec.Name]}");
                if (!appIds.Any(spec.IsFor))
                    continue;
                var isOpen = await set.TryAddAsync(spec, services, cancellation);
                if (isOpen && spec.Type.StartsWith(SecretsPrefix, StringComparison.Ordinal))
                    reader.Add(spec.Name, set.Secrets[^1].Store);
            }
            set.HttpEndpoints.AddRange(set.Files.HttpEndpoints.Select(reader.ReadEndpoint));
            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned)
            await owned.DisposeAsync();
    }

    private static bool IsSecretStore(YamlMap document) =>
        document.Map("spec")?.Text("type")?.StartsWith(SecretsPrefix, StringComparison.OrdinalIgnoreCase)
        == true;

    private async Task<bool> TryAddAsync(
        ComponentSpec spec,
        ComponentServices services,
        CancellationToken cancellation
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(spec.InitTimeout);
        try
        {
            await AddAsync(spec, services, timeout.Token);
            return true;
        }
        catch (Exception e) when (spec.IgnoreErrors && !cancellation.IsCancellationRequested)
        {
            LogIgnored(services.Logs.CreateLogger<ComponentSet>(), spec.Name, e.Message);
            return false;
        }
        catch (Exception e) when (e is not ConfigException && !cancellation.IsCancellationRequested)
        {
            var problem =
                e is OperationCanceledException && timeout.IsCancellationRequested
                    ? $"it was not ready within its initTimeout of {spec.InitTimeout.TotalSeconds:0.###} s"
                    : e.Message;
            // Where nobody answers, the address is what to look at.
            var address = Addresses.FirstOrDefault(spec.Metadata.ContainsKey);
            throw e is RedisConnectionException or NpgsqlException && address is not null
                ? spec.Error(address, $"names a server that cannot be used: {problem}")
                : new ConfigException($"{spec.Place}: component '{spec.Name}' ({spec.Type}): {problem}", e);
        }
    }

    private async Task AddAsync(
        ComponentSpec spec,
        ComponentServices services,
        CancellationToken cancellation
    )
    {
        switch (spec.Type)
        {
            case "state.redis":
                var redis = await ConnectAsync(spec, services, cancellation);
                States.Add(new StateComponent(spec, new RedisStateStore(redis, spec, services.Clock)));
                break;
            case "state.postgresql":
                var postgres = await PostgresStateStore.OpenAsync(spec, cancellation);
                _owned.Add(new ExpiredRowCleaner(postgres, spec, services));
                _owned.Add(postgres);
                States.Add(new StateComponent(spec, postgres));
                break;
            case "state.in-memory":
                States.Add(new StateComponent(spec, new InMemoryStateStore(services.Clock)));
                break;
            case "pubsub.redis":
                await ConnectAsync(spec, services, cancellation);
                var streams = new RedisStreams(
                    services.Redis,
                    RedisOptions.From(spec),
                    RedisStreamSettings.From(spec),
                    services.Clock,
                    services.Logs.CreateLogger<RedisStreams>()
                );
                _owned.Add(streams);
                PubSubs.Add(new PubSubComponent(spec, streams));
                break;
            case "pubsub.in-memory":
                PubSubs.Add(
                    new PubSubComponent(
                        spec,
                        new InMemoryBroker(services.Logs.CreateLogger<InMemoryBroker>())
                    )
                );
                break;
            case "lock.redis":
                Locks.Add(new RedisLock(spec, await ConnectAsync(spec, services, cancellation)));
                break;
            case "secretstores.local.file":
                Secrets.Add(new SecretComponent(spec, new LocalFileSecrets(spec)));
                break;
            case "secretstores.local.env":
                Secrets.Add(new SecretComponent(spec, new LocalEnvSecrets(spec)));
                break;
            default:
                Add(BindingComponent.Open(spec) ?? throw Unknown(spec));
                break;
        }
    }

    private void Add(BindingComponent binding)
    {
        if (binding.Output is IAsyncDisposable owned)
            _owned.Add(owned);
        Bindings.Add(binding);
    }

    private static ConfigException Unknown(ComponentSpec spec) =>
        spec.Error("type", $"is not known here; known are {string.Join(", ", KnownTypes)}");

    private static async Task<RedisClient> ConnectAsync(
        ComponentSpec spec,
        ComponentServices services,
        CancellationToken cancellation
    )
    {
        var client = services.Redis.Shared(RedisOptions.From(spec));
        await client.ExecuteAsync(["PING"], cancellation);
        return client;
    }

    [LoggerMessage(LogLevel.Warning, "Component {Component} is left out, as its ignoreErrors says: {Reason}")]
    private static partial void LogIgnored(ILogger logger, string component, string reason);
}
