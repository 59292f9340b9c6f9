using Microsoft.Extensions.Logging;
using Npgsql;

namespace Souk.Shared;

/// <summary>What a service process is told from outside, read and checked once at start.</summary>
public sealed record ServiceSettings
{
    private const int PortMax = 65_535;

    /// <summary>
    /// The Dapr app id, which is also the folder's name and, after "souk_", the database's.
    /// </summary>
    public required string AppId { get; init; }

    /// <summary>Where this process serves gRPC on 127.0.0.1; 0 picks a free port.</summary>
    public int AppPort { get; init; }

    /// <summary>The own sidecar's gRPC port.</summary>
    public int DaprGrpcPort { get; init; } = 50_001;

    /// <summary>The own sidecar's HTTP port; only its health is read there.</summary>
    public int DaprHttpPort { get; init; } = 3500;

    /// <summary>The server, without a database: postgres://user:password@host:port.</summary>
    public Uri Postgres { get; init; } = new("postgres://souk:souk@127.0.0.1:5432");

    /// <summary>The service's own database.</summary>
    public string Database { get; init; } = "";

    /// <summary>Most connections that this process holds open.</summary>
    public int PoolMax { get; init; } = 20;

    /// <summary>Redis as host:port; used through Dapr components, and directly only by tests.</summary>
    public string Redis { get; init; } = "127.0.0.1:6379";

    /// <summary>
    /// The secret that processes of the mesh share; it signs page tokens and buys service tokens.
    /// </summary>
    public string MeshSecret { get; init; } = "souk-development";

    /// <summary>The Dapr component that carries events.</summary>
    public string PubSub { get; init; } = "pubsub";

    /// <summary>When set, only a sidecar that sends this token may deliver events.</summary>
    public string AppApiToken { get; init; } = "";

    /// <summary>The token that the sidecar asks of its callers, if any.</summary>
    public string DaprApiToken { get; init; } = "";

    /// <summary>The least severe log line that is written.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Whether log lines are JSON objects, for collectors, instead of text for people.</summary>
    public bool LogsJson { get; init; }

    /// <summary>Whether the outbox publisher and the periodic jobs run; tests drive them by hand.</summary>
    public bool RunsJobs { get; init; } = true;

    /// <summary>Reads the environment.</summary>
    /// <param name="appId">The app id when APP_ID does not say otherwise.</param>
    public static ServiceSettings FromEnvironment(string appId)
    {
        var id = Env.Text("APP_ID", appId);
        return new ServiceSettings
        {
            AppId = id,
            AppPort = Env.Int("APP_PORT", 0, 0, PortMax),
            DaprGrpcPort = Env.Int("DAPR_GRPC_PORT", 50_001, 1, PortMax),
            DaprHttpPort = Env.Int("DAPR_HTTP_PORT", 3500, 1, PortMax),
            Postgres = ParsePostgres(Env.Text("SOUK_POSTGRES", "postgres://souk:souk@127.0.0.1:5432")),
            Database = Env.Text("SOUK_DATABASE", $"souk_{id}"),
            PoolMax = Env.Int("SOUK_POOL_MAX", 20, 2, 500),
            Redis = Env.Text("SOUK_REDIS", "127.0.0.1:6379"),
            MeshSecret = Env.Text("SOUK_MESH_SECRET", "souk-development"),
            PubSub = Env.Text("SOUK_PUBSUB", "pubsub"),
            AppApiToken = Env.Text("APP_API_TOKEN", ""),
            DaprApiToken = Env.Text("DAPR_API_TOKEN", ""),
            LogLevel = Enum.TryParse<LogLevel>(Env.Text("SOUK_LOG_LEVEL", "Information"), true, out var level)
                ? level
                : throw new InvalidOperationException(
                    "SOUK_LOG_LEVEL must be a log level such as Information."
                ),
            LogsJson = Env.Flag("SOUK_LOG_JSON", false),
        };
    }

    /// <summary>
    /// The connection string for one database of the server, tuned for short prepared statements.
    /// </summary>
    /// <param name="database">The database, or null for the service's own.</param>
    public string ConnectionString(string? database = null)
    {
        var user = Postgres.UserInfo.Split(':', 2);
        return new NpgsqlConnectionStringBuilder
        {
            Host = Postgres.Host,
            Port = Postgres.Port > 0 ? Postgres.Port : 5432,
            Username = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
            Database = database ?? (Database.Length > 0 ? Database : $"souk_{AppId}"),
            MaxPoolSize = PoolMax,
            MaxAutoPrepare = 200,
            AutoPrepareMinUsages = 2,
            // A reset after each use costs a round trip and would drop the prepared statements that make it
            // quick.
            NoResetOnClose = true,
            Timeout = 5,
            CommandTimeout = 10,
            ApplicationName = AppId,
        }.ConnectionString;
    }

    private static Uri ParsePostgres(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "postgres" or "postgresql"
            ? uri
            : throw new InvalidOperationException(
                "SOUK_POSTGRES must look like postgres://user:password@host:port."
            );
}
