using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Dapr;

/// <summary>
/// Where a sidecar is found when nobody says otherwise: configuration first, then the environment.
/// </summary>
public static class DaprDefaults
{
    /// <summary>Names the token that calls to the sidecar carry.</summary>
    public const string DaprApiTokenName = "DAPR_API_TOKEN";

    /// <summary>Names the token that the sidecar's calls to the app carry.</summary>
    public const string AppApiTokenName = "APP_API_TOKEN";

    /// <summary>Names the full HTTP address of the sidecar; wins over the port.</summary>
    public const string DaprHttpEndpointName = "DAPR_HTTP_ENDPOINT";

    /// <summary>Names the full gRPC address of the sidecar; wins over the port.</summary>
    public const string DaprGrpcEndpointName = "DAPR_GRPC_ENDPOINT";

    /// <summary>Names the HTTP port of a sidecar on this machine.</summary>
    public const string DaprHttpPortName = "DAPR_HTTP_PORT";

    /// <summary>Names the gRPC port of a sidecar on this machine.</summary>
    public const string DaprGrpcPortName = "DAPR_GRPC_PORT";

    /// <summary>The scheme of a sidecar on this machine.</summary>
    public const string DefaultDaprScheme = "http";

    /// <summary>The host of a sidecar on this machine.</summary>
    public const string DefaultDaprHost = "localhost";

    /// <summary>The HTTP port that a sidecar takes by itself.</summary>
    public const int DefaultHttpPort = 3500;

    /// <summary>The gRPC port that a sidecar takes by itself.</summary>
    public const int DefaultGrpcPort = 50001;

    /// <summary>The token for calls to the sidecar; empty when there is none.</summary>
    public static string GetDefaultDaprApiToken(IConfiguration? configuration) =>
        Read(configuration, DaprApiTokenName) ?? string.Empty;

    /// <summary>The token for calls to the app; empty when there is none.</summary>
    public static string GetDefaultAppApiToken(IConfiguration? configuration) =>
        Read(configuration, AppApiTokenName) ?? string.Empty;

    /// <summary>The HTTP address of the sidecar.</summary>
    public static string GetDefaultHttpEndpoint(IConfiguration? configuration = null) =>
        Read(configuration, DaprHttpEndpointName)
        ?? Local(Read(configuration, DaprHttpPortName), DefaultHttpPort);

    /// <summary>The gRPC address of the sidecar.</summary>
    public static string GetDefaultGrpcEndpoint(IConfiguration? configuration = null) =>
        Read(configuration, DaprGrpcEndpointName)
        ?? Local(Read(configuration, DaprGrpcPortName), DefaultGrpcPort);

    private static string Local(string? port, int defaultPort)
    {
        port ??= defaultPort.ToString(CultureInfo.InvariantCulture);
        return $"{DefaultDaprScheme}://{DefaultDaprHost}:{port}";
    }

    private static string? Read(IConfiguration? configuration, string name)
    {
        var configured = configuration?[name];
        if (!string.IsNullOrWhiteSpace(configured))
            return configured;
        var inherited = Environment.GetEnvironmentVariable(name);
        return string.IsNullOrWhiteSpace(inherited) ? null : inherited;
    }
}
