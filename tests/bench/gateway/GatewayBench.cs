using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Grpc.Net.Client;
using Souk.Bench.Sidecar;
using Souk.Catalog.V1;

namespace Souk.Bench.Gateway;

/// <summary>
/// The gateway beside what could stand in its place, in one run: the same product of a service that only
/// answers, by bare gRPC, by an endpoint that has it at hand, by one that has no routing, filters or log
/// either, by one that asks the service, and by the gateway: without a sidecar between, with it as in life,
/// and from its memory. Each is a process of its own; all share the machine with the load.
/// </summary>
internal static class GatewayBench
{
    private const int Slices = 7;
    private const int GrpcCallsAtOnce = 32;
    private const string Path = "/api/v1/products/prod_0198c1d2000070008000000000000001";

    public static async Task RunAsync(TimeSpan duration, string directory, CancellationToken cancellation)
    {
        var figures = new Figures("gateway", "gateway.json");
        TranscodingBench.Run(figures, directory);
        var port = Ports();
        var (catalog, caller) = (new BenchedApp("catalog", port), new BenchedApp("gateway", 0));
        using var opponents = ChildProcess.Start(
            "Bench.dll",
            ["opponents", port.ToString(CultureInfo.InvariantCulture)]
        );
        await using var sidecar = await SidecarUnderTest.StartAsync([catalog, caller], "", cancellation);
        using var direct = GatewayProcess.Start(port, cacheMb: 0);
        using var behind = GatewayProcess.Start(caller.GrpcPort, cacheMb: 0);
        using var keeping = GatewayProcess.Start(caller.GrpcPort, cacheMb: 16);
        foreach (var gateway in (GatewayProcess[])[direct, behind, keeping])
            await gateway.ReadyAsync(cancellation);
        var rows = new Row[]
        {
            new("ASP.NET endpoint, product at hand", new(port + Opponents.MappedOffset, Path), null),
            new("bare middleware, product at hand", new(port + Opponents.PlainOffset, Path), null),
            new("ASP.NET endpoint that asks by gRPC", new(port + Opponents.AskingOffset, Path), null),
            new("gateway, service called", new(direct.Port, Path), direct),
            new("gateway, service called through sidecar", new(behind.Port, Path), behind),
            new("gateway, from its memory", new(keeping.Port, Path), keeping),
        };
        await SameAnswersAsync(rows, cancellation);
        var grpc = await MeasureAsync(port, rows, duration, cancellation);
        Tell(figures, grpc, rows);
        figures.Print();
        await figures.WriteAsync(directory, cancellation);
    }

    // In turn and in slices: whatever else the machine does meets all alike.
    private static async Task<double> MeasureAsync(
        int grpcPort,
        Row[] rows,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{grpcPort}");
        // Unmeasured until the code is compiled for good, which takes the gateway about eight seconds.
        await GrpcAsync(channel, duration, cancellation);
        foreach (var row in rows)
            await row.Load.RunAsync(duration, cancellation);
        var grpc = new List<double>();
        var time = duration / Slices;
        for (var slice = 0; slice < Slices; slice++)
        {
            grpc.Add(await GrpcAsync(channel, time, cancellation));
            foreach (var row in rows)
                await row.MeasureAsync(time, cancellation);
        }
        return Median.Of(grpc, rate => rate);
    }

    private static void Tell(Figures figures, double grpc, Row[] rows)
    {
        figures.Note("direct gRPC call, 32 at once", grpc, "/s");
        foreach (var row in rows)
        {
            figures.Note(row.Name, row.PerSecond, "/s");
            figures.Note("  p50", row.Percentile(0.50), "ms");
            figures.Note("  p99", row.Percentile(0.99), "ms");
            if (row.Gateway is not null)
                figures.Note("  CPU of the gateway for one request", row.CpuMicroseconds, "us");
        }
        var (plain, bare, asking) = (rows[0].PerSecond, rows[1].PerSecond, rows[2].PerSecond);
        figures.AtLeast("gateway / endpoint", 100 * rows[3].PerSecond / plain, 60, "%");
        figures.AtLeast("gateway / bare middleware", 100 * rows[3].PerSecond / bare, 60, "%");
        figures.AtLeast("gateway / endpoint that asks, too", 100 * rows[3].PerSecond / asking, 60, "%");
        figures.Note("gateway with sidecar / endpoint", 100 * rows[4].PerSecond / plain, "%");
        figures.Note("gateway with sidecar / endpoint that asks", 100 * rows[4].PerSecond / asking, "%");
        figures.AtLeast("gateway from memory / endpoint", 100 * rows[5].PerSecond / plain, 60, "%");
        figures.Note("gateway / direct gRPC call", 100 * rows[3].PerSecond / grpc, "%");
    }

    private static async Task<double> GrpcAsync(
        GrpcChannel channel,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        var client = new CatalogService.CatalogServiceClient(channel);
        var request = new GetProductRequest { ProductId = "prod_0198c1d2000070008000000000000001" };
        var start = Stopwatch.GetTimestamp();
        var done = 0L;
        async Task LoopAsync()
        {
            while (Stopwatch.GetElapsedTime(start) < duration)
            {
                await client.GetProductAsync(request, cancellationToken: cancellation);
                Interlocked.Increment(ref done);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, GrpcCallsAtOnce).Select(_ => LoopAsync()));
        return done / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task SameAnswersAsync(Row[] rows, CancellationToken cancellation)
    {
        var wanted = JsonNode.Parse(await rows[0].Load.OneAsync(cancellation));
        foreach (var row in rows.Skip(1))
        {
            var answer = await row.Load.OneAsync(cancellation);
            if (!JsonNode.DeepEquals(wanted, JsonNode.Parse(answer)))
                throw new OperationFailedException($"{row.Name} answers {answer}, not {wanted}");
        }
    }

    // Four ports in a row.
    private static int Ports() => Math.Min(SidecarUnderTest.FreePort(), 65_000);

    private sealed class Row(string name, RawLoad load, GatewayProcess? gateway)
    {
        private readonly List<double> _latencies = [];
        private readonly List<double> _rates = [];
        private TimeSpan _cpu;
        private double[]? _sorted;

        public string Name => name;

        public RawLoad Load => load;

        public GatewayProcess? Gateway => gateway;

        public double PerSecond => Median.Of(_rates, rate => rate);

        public double CpuMicroseconds => _cpu.TotalMicroseconds / _latencies.Count;

        public double Percentile(double share) =>
            OpenLoop.Percentile(_sorted ??= [.. _latencies.Order()], share);

        public async Task MeasureAsync(TimeSpan time, CancellationToken cancellation)
        {
            var before = gateway?.Cpu ?? TimeSpan.Zero;
            var result = await load.RunAsync(time, cancellation);
            _cpu += (gateway?.Cpu ?? TimeSpan.Zero) - before;
            _latencies.AddRange(result.Latencies);
            _rates.Add(result.PerSecond);
        }
    }
}
