namespace Souk.Bench.Sidecar;

/// <summary>
/// The local runtime against its targets, as a process of its own on the real Redis and PostgreSQL. Needs
/// <c>SOUK_REDIS</c> and <c>SOUK_POSTGRES</c>.
/// </summary>
internal static class SidecarBench
{
    private const int IdleSidecars = 20;
    private const int Rounds = 5;
    private const int RoundShare = 4;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    internal static string Redis => BenchHost.Setting("SOUK_REDIS", "127.0.0.1:6379");

    public static async Task RunAsync(TimeSpan duration, string directory, CancellationToken cancellation)
    {
        await using var database = await BenchDatabase.CreateAsync(cancellation);
        var app = new BenchedApp("app", FreePorts.One());
        var caller = new BenchedApp("caller", 0);
        await using var behind = await MeasuredApp.StartAsync(app.Port);
        var figures = new Figures("local runtime", "sidecar.json");
        await using (
            var sidecar = await SidecarUnderTest.StartAsync(
                [app, caller],
                Components(database.Url),
                cancellation
            )
        )
        {
            using (var loads = new SidecarLoads(app, caller, behind))
                await MeasureLoadsAsync(figures, loads, duration, cancellation);
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

    // All loads take turns, so that whatever else the machine does affects them alike.
    private static async Task MeasureLoadsAsync(
        Figures figures,
        SidecarLoads loads,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        (string Name, Load Load)[] all =
        [
            ("direct call", loads.Direct),
            ("proxied call", loads.Proxied),
            ("plain Redis", loads.Redis),
            ("state", loads.State),
            ("events", loads.Events),
        ];
        // The figures are those of a runtime that has been busy for a while: at this rate its code reaches
        // its last tier after about eight seconds. What a call costs before that is another question.
        foreach (var (_, load) in all)
            await OpenLoop.RunAsync(load, duration, cancellation);
        var rounds = all.ToDictionary(item => item.Load, _ => new List<Round>());
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (name, load) in all)
            {
                var result = await OpenLoop.RunAsync(load, duration / RoundShare, cancellation);
                figures.Fail(name, result.Failures);
                rounds[load].Add(Round.Of(result));
            }
        }

        Report(figures, loads, rounds);
    }

    private static void Report(Figures figures, SidecarLoads loads, Dictionary<Load, List<Round>> rounds)
    {
        figures.Note("direct unary call, p50, 1,000/s", P50(loads.Direct), "ms");
        figures.Note("  p95", P95(loads.Direct), "ms");
        var pairs = rounds[loads.Direct].Zip(rounds[loads.Proxied]).ToArray();
        figures.Below("proxied call adds, p50", Median.Of(pairs, p => p.Second.P50 - p.First.P50), 0.3, "ms");
        figures.Below("proxied call adds, p95", Median.Of(pairs, p => p.Second.P95 - p.First.P95), 1, "ms");
        figures.Note("Redis itself, set or get, p50, 1,000/s", P50(loads.Redis), "ms");
        figures.Note("  p95", P95(loads.Redis), "ms");
        figures.Note("state get or set, p50, 1,000/s", P50(loads.State), "ms");
        figures.Below("state get or set, p95", P95(loads.State), 3, "ms");
        figures.Note("publish to delivery, p50, 500/s", P50(loads.Events), "ms");
        figures.Below("publish to delivery, p95", P95(loads.Events), 20, "ms");

        double P50(Load load) => Median.Of(rounds[load], round => round.P50);
        double P95(Load load) => Median.Of(rounds[load], round => round.P95);
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

    internal static string Components(string databaseUrl)
    {
        return $$"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: { name: statestore }
            spec:
              type: state.redis
              version: v1
              metadata: [{ name: redisHost, value: "{{Redis}}" }]
            ---
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: { name: pubsub }
            spec:
              type: pubsub.redis
              version: v1
              metadata: [{ name: redisHost, value: "{{Redis}}" }]
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
