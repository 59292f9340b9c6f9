using System.Globalization;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using DaprClient = Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient;

namespace Souk.Bench.Sidecar;

/// <summary>
/// The local runtime against its targets, as a process of its own on the real Redis and PostgreSQL. Needs
/// <c>SOUK_REDIS</c> and <c>SOUK_POSTGRES</c>.
/// </summary>
internal static class SidecarBench
{
    private const double CallsPerSecond = 1_000;
    private const double EventsPerSecond = 500;
    private const int IdleSidecars = 20;
    private const int Slices = 4;
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(TimeSpan duration, string directory, CancellationToken cancellation)
    {
        await using var database = await BenchDatabase.CreateAsync(cancellation);
        var app = new BenchedApp("app", SidecarUnderTest.FreePort());
        var caller = new BenchedApp("caller", 0);
        await using var behind = await MeasuredApp.StartAsync(app.Port);
        var figures = new Figures();
        await using (
            var sidecar = await SidecarUnderTest.StartAsync(
                [app, caller],
                Components(database.Url),
                cancellation
            )
        )
        {
            await MeasureCallsAsync(figures, app, caller, duration, cancellation);
            await MeasureStateAsync(figures, caller, duration, cancellation);
            await MeasureEventsAsync(figures, caller, behind, duration, cancellation);
            var (perSecond, idle) = await WorkflowBench.RunAsync(app, duration, cancellation);
            figures.AtLeast("workflow of five activities", perSecond, 150, "/s");
            figures.Below("  one at a time, p50", OpenLoop.Percentile(idle, 0.50), 60, "ms");
            figures.Note("  one at a time, p95", OpenLoop.Percentile(idle, 0.95), "ms");
            if (await Pgbench.RunAsync(database.Url, duration / 2, cancellation) is { } rate)
            {
                figures.Note($"  pgbench, same server, fsync {database.Fsync}", rate, "tps");
            }

            figures.Note("sidecar's memory after all that", sidecar.ResidentMiB, "MiB");
        }

        figures.Below(
            $"memory of {IdleSidecars} sidecars, idle",
            await IdleMemoryAsync(database.Url, cancellation),
            150,
            "MiB"
        );
        figures.Print();
        await figures.WriteAsync(directory, cancellation);
    }

    // Slices of both in turn: what else the machine does meets both alike.
    private static async Task MeasureCallsAsync(
        Figures figures,
        BenchedApp app,
        BenchedApp caller,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        using var direct = GrpcChannel.ForAddress($"http://127.0.0.1:{app.Port}");
        using var proxied = GrpcChannel.ForAddress($"http://127.0.0.1:{caller.GrpcPort}");
        var loads = new[] { Calls(direct), Calls(proxied) };
        var latencies = new[] { new List<double>(), new List<double>() };
        await RunBothAsync(BenchHost.Shorter(duration));
        latencies =
        [
            [],
            [],
        ];
        for (var slice = 0; slice < Slices; slice++)
        {
            await RunBothAsync(duration / Slices);
        }

        async Task RunBothAsync(TimeSpan time)
        {
            for (var i = 0; i < loads.Length; i++)
            {
                var result = await OpenLoop.RunAsync(loads[i], time, cancellation);
                figures.Fail("calls", result.Failures);
                latencies[i].AddRange(result.Latencies);
            }
        }

        var (without, with) = (Sorted(latencies[0]), Sorted(latencies[1]));
        figures.Note("direct unary call, p50, 1,000/s", OpenLoop.Percentile(without, 0.50), "ms");
        figures.Note("direct unary call, p95", OpenLoop.Percentile(without, 0.95), "ms");
        figures.Below("proxied call adds, p50", Added(0.50), 0.3, "ms");
        figures.Below("proxied call adds, p95", Added(0.95), 1, "ms");

        double Added(double share) => OpenLoop.Percentile(with, share) - OpenLoop.Percentile(without, share);
    }

    private static Load Calls(GrpcChannel channel)
    {
        var client = new AppCallback.AppCallbackClient(channel);
        var headers = new Metadata { { "dapr-app-id", "app" } };
        var request = new InvokeRequest
        {
            Method = "echo",
            Data = new Any { Value = ByteString.CopyFrom(new byte[200]) },
        };
        return new Load(
            CallsPerSecond,
            async (_, token) => await client.OnInvokeAsync(request, headers, null, token)
        )
        {
            Grain = Grain,
        };
    }

    private static async Task MeasureStateAsync(
        Figures figures,
        BenchedApp caller,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{caller.GrpcPort}");
        var client = new DaprClient(channel);
        var value = ByteString.CopyFrom(new byte[500]);
        var load = new Load(
            CallsPerSecond,
            async (i, token) =>
            {
                var key = string.Create(CultureInfo.InvariantCulture, $"bench-{i / 2 % 500}");
                if (i % 2 == 0)
                {
                    var save = new SaveStateRequest { StoreName = "statestore" };
                    save.States.Add(new StateItem { Key = key, Value = value });
                    await client.SaveStateAsync(save, null, null, token);
                }
                else
                {
                    var get = new GetStateRequest { StoreName = "statestore", Key = key };
                    await client.GetStateAsync(get, null, null, token);
                }
            }
        )
        {
            Grain = Grain,
        };
        var sorted = await WarmedAsync(figures, "state", load, duration, cancellation);
        figures.Note("state get or set, p50, 1,000/s", OpenLoop.Percentile(sorted, 0.50), "ms");
        figures.Below("state get or set, p95", OpenLoop.Percentile(sorted, 0.95), 3, "ms");
    }

    private static async Task MeasureEventsAsync(
        Figures figures,
        BenchedApp caller,
        MeasuredApp behind,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{caller.GrpcPort}");
        var client = new DaprClient(channel);
        var load = new Load(
            EventsPerSecond,
            async (_, token) => await MeasuredApp.PublishAsync(client, behind, token)
        )
        {
            Grain = Grain,
        };
        var sorted = await WarmedAsync(figures, "events", load, duration, cancellation);
        figures.Note("publish to delivery, p50, 500/s", OpenLoop.Percentile(sorted, 0.50), "ms");
        figures.Below("publish to delivery, p95", OpenLoop.Percentile(sorted, 0.95), 20, "ms");
    }

    private static async Task<double[]> WarmedAsync(
        Figures figures,
        string name,
        Load load,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        await OpenLoop.RunAsync(load, BenchHost.Shorter(duration), cancellation);
        var result = await OpenLoop.RunAsync(load, duration, cancellation);
        figures.Fail(name, result.Failures);
        return result.Latencies;
    }

    private static async Task<double> IdleMemoryAsync(string databaseUrl, CancellationToken cancellation)
    {
        var apps = Enumerable.Range(1, IdleSidecars).Select(i => new BenchedApp($"app{i}", 0)).ToList();
        await using var sidecar = await SidecarUnderTest.StartAsync(
            apps,
            Components(databaseUrl),
            cancellation
        );
        await Task.Delay(Settling, cancellation);
        return sidecar.ResidentMiB;
    }

    private static double[] Sorted(IEnumerable<double> values) => [.. values.Order()];

    internal static string Components(string databaseUrl)
    {
        var redis = BenchHost.Setting("SOUK_REDIS", "127.0.0.1:6379");
        return $$"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: { name: statestore }
            spec:
              type: state.redis
              version: v1
              metadata: [{ name: redisHost, value: "{{redis}}" }]
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: { name: pubsub }
            spec:
              type: pubsub.redis
              version: v1
              metadata: [{ name: redisHost, value: "{{redis}}" }]
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: { name: workflowstore }
            spec:
              type: state.postgresql
              version: v2
              metadata:
                - { name: connectionString, value: "{{databaseUrl}}" }
                - { name: actorStateStore, value: "true" }
            """;
    }
}
