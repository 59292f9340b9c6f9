using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.Processes;

/// <summary>How daprd reads its command line, where that differs from this program's library.</summary>
internal static class DaprdFlags
{
    /// <summary>
    /// Flags of daprd about things that a single machine does not have: accepted, so that a command line
    /// written for daprd starts this runtime too.
    /// </summary>
    public static readonly IReadOnlyList<string> WithoutEffect =
    [
        "--actors-service",
        "--control-plane-address",
        "--control-plane-namespace",
        "--control-plane-trust-domain",
        "--dapr-internal-grpc-listen-address",
        "--dapr-public-listen-address",
        "--dapr-public-port",
        "--disable-init-endpoints",
        "--kubeconfig",
        "--mode",
        "--placement-host-address",
        "--profile-listen-address",
        "--profile-port",
        "--reminders-service",
        "--scheduler-host-address",
        "--scheduler-job-streams",
        "--sentry-address",
        "--trust-anchors-file",
        "--unix-domain-socket",
    ];

    /// <summary>The same for switches, which need no value.</summary>
    public static readonly IReadOnlyList<string> SwitchesWithoutEffect =
    [
        "--app-ssl",
        "--disable-builtin-k8s-secret-store",
        "--enable-api-logging",
        "--enable-mtls",
        "--enable-profiling",
    ];

    private static readonly (string Suffix, int Unit)[] Units =
    [
        ("Ki", 1024),
        ("Mi", 1024 * 1024),
        ("Gi", 1024 * 1024 * 1024),
        ("k", 1000),
        ("M", 1000 * 1000),
        ("G", 1000 * 1000 * 1000),
        ("", 1),
    ];

    /// <summary>Go programs take <c>-app-id</c> for <c>--app-id</c>.</summary>
    public static string[] WithTwoDashes(string[] arguments) =>
        [.. arguments.Select(argument => IsOneDash(argument) ? "-" + argument : argument)];

    /// <summary>Reads a quantity as Kubernetes writes it: 4Mi, 512Ki, 1048576.</summary>
    public static bool TryBytes(string text, out int bytes)
    {
        bytes = 0;
        foreach (var (suffix, unit) in Units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            var digits = text.AsSpan(0, text.Length - suffix.Length);
            if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
                return false;
            var size = count > int.MaxValue ? long.MaxValue : count * unit;
            bytes = (int)Math.Min(size, int.MaxValue);
            return size is > 0 and <= int.MaxValue;
        }
        return false;
    }

    public static LogLevel LevelOf(string text) =>
        TryLevel(text, out var level)
            ? level
            : throw new Files.ConfigException(
                $"--log-level must be debug, info, warn, error or fatal, not '{text}'"
            );

    public static bool TryLevel(string text, out LogLevel level)
    {
        level = text.ToUpperInvariant() switch
        {
            "DEBUG" => LogLevel.Debug,
            "INFO" => LogLevel.Information,
            "WARN" or "WARNING" => LogLevel.Warning,
            "ERROR" => LogLevel.Error,
            "FATAL" => LogLevel.Critical,
            _ => LogLevel.None,
        };
        return level != LogLevel.None;
    }

    private static bool IsOneDash(string argument) =>
        argument.Length > 2 && argument[0] == '-' && char.IsAsciiLetter(argument[1]) && argument[2] != '=';
}
