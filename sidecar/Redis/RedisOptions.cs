using System.Globalization;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Redis;

/// <summary>Where a Redis is and how to greet it. Equal options share one connection.</summary>
internal sealed record RedisOptions(string Host, int Port)
{
    // One connection carries every app's commands; past this many unanswered ones the server is not keeping
    // up.
    public const int PendingMax = 20_000;

    public string? Username { get; init; }
    public string? Password { get; init; }
    public int Database { get; init; }
    public bool UseTls { get; init; }

    /// <summary>Whether any server's certificate will do.</summary>
    public bool SkipsVerification { get; init; }

    /// <summary>What this client shows a server that asks who it is; PEM or a file, as its key is.</summary>
    public string? ClientCertificate { get; init; }
    public string? ClientKey { get; init; }
    public int RetriesMax { get; init; } = 3;
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Reads the settings that every Redis component shares.</summary>
    public static RedisOptions From(ComponentSpec spec)
    {
        var address = spec.Required("redisHost");
        if (address.Contains(',') || spec.Text("redisType") is { } type && type != "node")
            throw spec.Error("redisHost", "names a cluster; the local runtime speaks to one node");
        if (spec.Flag("failover"))
            throw spec.Error("failover", "is not supported by the local runtime");
        var (host, port) = Split(spec, address);
        return new RedisOptions(host, port)
        {
            Username = spec.Text("redisUsername"),
            Password = spec.Text("redisPassword"),
            Database = spec.Whole("redisDB", 0),
            UseTls = spec.Flag("enableTLS"),
            SkipsVerification = spec.Flag("insecureSkipTLSVerify"),
            ClientCertificate = spec.Text("clientCert"),
            ClientKey = KeyOf(spec),
            RetriesMax = spec.Whole("redisMaxRetries", 3),
            DialTimeout = spec.Duration("dialTimeout", TimeSpan.FromSeconds(5)),
            ReadTimeout = spec.Duration("readTimeout", TimeSpan.FromSeconds(3)),
        };
    }

    private static string? KeyOf(ComponentSpec spec)
    {
        if (spec.Text("clientCert") is not { } certificate)
            return null;
        var key = spec.Required("clientKey");
        try
        {
            // Here, where it can still be said whose mistake it is.
            using var read = Pem.Certificate(certificate, key);
            return key;
        }
        catch (Exception e) when (Pem.IsUnreadable(e))
        {
            throw spec.Error("clientCert", $"and clientKey cannot be read: {e.Message}");
        }
    }

    private static (string Host, int Port) Split(ComponentSpec spec, string address)
    {
        var colon = address.LastIndexOf(':');
        if (colon < 0)
            return (address, 6379);
        return
            int.TryParse(
                address.AsSpan(colon + 1),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var port
            ) && port is > 0 and <= ushort.MaxValue
            ? (address[..colon].Trim('[', ']'), port)
            : throw spec.Error("redisHost", $"must be host:port, not '{address}'");
    }
}
