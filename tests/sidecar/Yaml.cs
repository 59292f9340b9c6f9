using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Component documents for tests.</summary>
internal static class Yaml
{
    internal static string RedisState(string name = "store", string metadata = "") =>
        Component(
            name,
            "state.redis",
            "v1",
            $"- {{ name: redisHost, value: \"{Backends.Redis}\" }}\n{metadata}"
        );

    internal static string PostgresState(string address, string name = "store", string metadata = "") =>
        Component(
            name,
            "state.postgresql",
            "v2",
            $"- {{ name: connectionString, value: \"{address}\" }}\n{metadata}"
        );

    internal static string RedisPubSub(string name = "pubsub", string metadata = "") =>
        Component(
            name,
            "pubsub.redis",
            "v1",
            $"- {{ name: redisHost, value: \"{Backends.Redis}\" }}\n{metadata}"
        );

    internal static string RedisLock(string name = "locks", string metadata = "") =>
        Component(
            name,
            "lock.redis",
            "v1",
            $"- {{ name: redisHost, value: \"{Backends.Redis}\" }}\n{metadata}"
        );

    internal static string Component(string name, string type, string version, string metadata) =>
        $"""
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: {name}
            spec:
              type: {type}
              version: {version}
              metadata:
            {Indent(metadata, "  ")}

            """;

    /// <summary>A retry policy for deliveries of one pub/sub.</summary>
    internal static string Retries(int max, string duration = "20ms", string pubSub = "pubsub") =>
        $$"""
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata:
              name: test
            spec:
              policies:
                retries:
                  again: { policy: constant, duration: {{duration}}, maxRetries: {{max}} }
              targets:
                components:
                  {{pubSub}}: { inbound: { retry: again } }

            """;

    internal static string Item(string name, string value) => $"- {{ name: {name}, value: \"{value}\" }}\n";

    private static string Indent(string lines, string by) =>
        string.Join('\n', lines.Split('\n').Select(line => "  " + by + line));
}
