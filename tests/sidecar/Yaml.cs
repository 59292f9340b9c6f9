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
            {Indent(metadata)}

            """;

    /// <summary>Fires at an app by this name.</summary>
    internal static string Cron(string name, string schedule, string metadata = "") =>
        Component(name, "bindings.cron", "v1", Item("schedule", schedule) + metadata);

    /// <summary>The binding "mail", which sends to all@example.com unless told otherwise.</summary>
    internal static string Smtp(StubSmtpServer server, string metadata = "") =>
        Component(
            "mail",
            "bindings.smtp",
            "v1",
            Item("host", "127.0.0.1")
                + Item("port", $"{server.Port}")
                + Item("user", "shop")
                + Item("password", "secret")
                + Item("emailFrom", "shop@example.com")
                + Item("emailTo", "all@example.com")
                + Item("subject", "News")
                + metadata
        );

    /// <summary>A retry policy for deliveries of one pub/sub.</summary>
    internal static string Retries(int max, string duration = "20ms", string pubSub = "pubsub") =>
        Resiliency(
            $$"""
            retries:
              again: { policy: constant, duration: {{duration}}, maxRetries: {{max}} }
            """,
            $$"""
            components:
              {{pubSub}}: { inbound: { retry: again } }
            """
        );

    internal static string Resiliency(string policies, string targets) =>
        $"""
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata:
              name: test
            spec:
              policies:
            {Indent(policies)}
              targets:
            {Indent(targets)}

            """;

    internal static string Item(string name, string value) => $"- {{ name: {name}, value: \"{value}\" }}\n";

    private static string Indent(string lines) =>
        string.Join('\n', lines.Split('\n').Select(line => "    " + line));
}
