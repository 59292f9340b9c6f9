using Souk.Shared;

namespace Souk.Gateway;

/// <summary>What the gateway is told from outside, beside what every process of the mesh is told.</summary>
internal sealed record GatewaySettings
{
    private const int PortMax = 65_535;

    /// <summary>Where REST is served, on <see cref="Address"/>; 0 picks a free port.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>The address to listen on. Loopback by default: a shop opens itself on purpose.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>The own sidecar's gRPC port.</summary>
    public int SidecarPort { get; init; } = 50_001;

    /// <summary>The token that the sidecar asks of its callers, if any.</summary>
    public string SidecarToken { get; init; } = "";

    /// <summary>How long a call may take when the caller does not ask for a wait.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest deadline that a caller can ask for; streams have their own.</summary>
    public static TimeSpan DeadlineMax { get; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a stream may last.</summary>
    public TimeSpan StreamDeadline { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a stream is silent before a heartbeat; proxies drop it after a minute.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Streams that one caller may have open at once.</summary>
    public int StreamsPerCaller { get; init; } = 100;

    /// <summary>Streams that one service may have open at once, through this gateway.</summary>
    public int StreamsPerService { get; init; } = 5000;

    /// <summary>The certificate and its chain as PEM; empty serves without TLS.</summary>
    public string CertificateFile { get; init; } = "";

    /// <summary>The certificate's key as PEM.</summary>
    public string CertificateKeyFile { get; init; } = "";

    /// <summary>Largest request body in bytes.</summary>
    public int BodyBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Calls per second that one address may make, X-07; twice as many at once.</summary>
    public int RatePerAddress { get; init; } = 2000;

    /// <summary>Calls per second that one user may make, X-07; twice as many at once.</summary>
    public int RatePerUser { get; init; } = 1000;

    /// <summary>
    /// What the rates of single RPCs are multiplied with, for loads that come from one address.
    /// </summary>
    public int RateScale { get; init; } = 1;

    /// <summary>Memory for remembered replies, in bytes; 0 remembers none.</summary>
    public long CacheBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Where operators find /metrics, on <see cref="OperatorAddress"/>; null for nowhere.</summary>
    public int? OperatorPort { get; init; }

    /// <summary>The address of the operators' port.</summary>
    public string OperatorAddress { get; init; } = "127.0.0.1";

    /// <summary>
    /// How long /ready says 503 before connections are refused, when the process is to stop.
    /// </summary>
    public TimeSpan DrainNotice { get; init; }

    /// <summary>The cookie that may carry the access token; empty for none.</summary>
    public string TokenCookie { get; init; } = "";

    /// <summary>The pub/sub component that tells of changes.</summary>
    public string PubSub { get; init; } = "pubsub";

    /// <summary>Whether log lines are JSON.</summary>
    public bool LogsJson { get; init; }

    /// <summary>How long a request's headers may take; a slow body has as long to become faster.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Origins whose pages may call, or "*"; empty for none.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>Proxies whose X-Forwarded-For is believed; empty believes none.</summary>
    public IReadOnlyList<string> Proxies { get; init; } = [];

    /// <summary>Reads the environment.</summary>
    public static GatewaySettings FromEnvironment() =>
        new()
        {
            Port = Env.Int("SOUK_GATEWAY_PORT", Env.Int("APP_PORT", 8080, 0, PortMax), 0, PortMax),
            Address = Env.Text("SOUK_GATEWAY_ADDRESS", "127.0.0.1"),
            SidecarPort = Env.Int("DAPR_GRPC_PORT", 50_001, 1, PortMax),
            SidecarToken = Env.Text("DAPR_API_TOKEN", ""),
            Deadline = Env.Seconds("SOUK_GATEWAY_DEADLINE_SECONDS", 10, 1, 120),
            StreamDeadline = Env.Seconds("SOUK_GATEWAY_STREAM_SECONDS", 3600, 1, 86_400),
            Heartbeat = Env.Seconds("SOUK_GATEWAY_HEARTBEAT_SECONDS", 15, 1, 300),
            StreamsPerCaller = Env.Int("SOUK_GATEWAY_STREAMS_PER_CALLER", 100, 1),
            StreamsPerService = Env.Int("SOUK_GATEWAY_STREAMS_PER_SERVICE", 5000, 1),
            CertificateFile = Env.Text("SOUK_GATEWAY_CERT", ""),
            CertificateKeyFile = Env.Text("SOUK_GATEWAY_KEY", ""),
            BodyBytesMax = Env.Int("SOUK_GATEWAY_BODY_BYTES", 1024 * 1024, 1024, 64 * 1024 * 1024),
            RatePerAddress = Env.Int("SOUK_GATEWAY_RATE_PER_ADDRESS", 2000, 1),
            RatePerUser = Env.Int("SOUK_GATEWAY_RATE_PER_USER", 1000, 1),
            RateScale = Env.Int("SOUK_GATEWAY_RATE_SCALE", 1, 1),
            CacheBytesMax = Env.Int("SOUK_GATEWAY_CACHE_MB", 64, 0, 4096) * (1024L * 1024),
            OperatorPort = Env.Int("SOUK_GATEWAY_OPERATOR_PORT", 0, 0, PortMax) is var port and > 0
                ? port
                : null,
            OperatorAddress = Env.Text("SOUK_GATEWAY_OPERATOR_ADDRESS", "127.0.0.1"),
            DrainNotice = Env.Seconds("SOUK_GATEWAY_DRAIN_SECONDS", 0, 0, 60),
            TokenCookie = Env.Text("SOUK_GATEWAY_TOKEN_COOKIE", ""),
            PubSub = Env.Text("SOUK_PUBSUB", "pubsub"),
            LogsJson = Env.Flag("SOUK_LOG_JSON", false),
            Origins = List("SOUK_GATEWAY_ORIGINS"),
            Proxies = List("SOUK_GATEWAY_PROXIES"),
        };

    private static string[] List(string name) =>
        Env.Text(name, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
