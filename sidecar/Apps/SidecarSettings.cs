namespace Souk.Sidecar;

/// <summary>What the process's environment says to every sidecar in it.</summary>
internal sealed record SidecarSettings
{
    /// <summary>Callers must send it as <c>dapr-api-token</c>.</summary>
    public string? ApiToken { get; init; }

    /// <summary>Sent to the app with every call, under the same name.</summary>
    public string? AppToken { get; init; }

    public string Namespace { get; init; } = "";

    public IReadOnlyList<string> ListenAddresses { get; init; } = ["127.0.0.1"];

    /// <summary>Origins whose web pages may call the HTTP API; empty for no word on the matter.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Where sidecars of this machine find each other; null to be alone.</summary>
    public string? PeerFolder { get; init; }

    /// <summary>How long a caller may be silent before it is asked for a sign of life, and again before it is
    /// hung up on.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long calls under way have when the sidecar stops.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long before that it stays, without new work for its app; an app that says it is ill ends
    /// it sooner.</summary>
    public TimeSpan BlockShutdown { get; init; }

    public static SidecarSettings FromEnvironment() =>
        new()
        {
            ApiToken = Variable("DAPR_API_TOKEN"),
            AppToken = Variable("APP_API_TOKEN"),
            Namespace = Variable("NAMESPACE") ?? "",
            PeerFolder = Invoke.Peers.DefaultFolder,
        };

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
