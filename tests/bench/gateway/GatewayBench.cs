using System.Diagnostics;
using System.Text.Json.Nodes;
using Grpc.Net.Client;
using Souk.Bench.Sidecar;
using Souk.Catalog.V1;

namespace Souk.Bench.Gateway;

/// <summary>
/// The gateway beside what could stand in its place, in one run. The same product is read by a plain gRPC
/// call of a service that does nothing else; from three ASP.NET endpoints (<see cref="Opponents"/>); and from
/// the gateway in front of the service, in front of its sidecar as in production, and out of the gateway's
/// cache. The gateways, the sidecar and the opponents are processes of their own; all share the machine with
/// the load.
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
        var ports = OpponentPorts.Free();
        var (catalog, caller) = (new BenchedApp("catalog", ports.Service), new BenchedApp("gateway", 0));
        await using var opponents = ChildProcess.Start("Bench.dll", ["opponents", .. ports.Arguments]);
        await using var sidecar = await SidecarUnderTest.StartAsync([catalog, caller], "", cancellation);
        await using var direct = GatewayProcess.Start(ports.Service, cacheMb: 0);
        await using var behind = GatewayProcess.Start(caller.GrpcPort, cacheMb: 0);
        await using var keeping = GatewayProcess.Start(caller.GrpcPort, cacheMb: 16);
        foreach (var gateway in (GatewayProcess[])[direct, behind, keeping])
            await gateway.ReadyAsync(cancellation);
        var rows = new Row[]
        {
            new("ASP.NET endpoint, product at hand", new(ports.Mapped, Path), null),
            new("bare middleware, product at hand", new(ports.Plain, Path), null),
            new("ASP.NET endpoint that asks by gRPC", new(ports.Asking, Path), null),
            new("gateway, service called", new(direct.Port, Path), direct),
            new("gateway, service called through sidecar", new(behind.Port, Path), behind),
            new("gateway, from its memory", new(keeping.Port, Path), keeping),
        };
        await SameAnswersAsync(rows, cancellation);
        var grpc = await MeasureAsync(ports.Service, rows, duration, cancellation);
        Tell(figures, grpc, rows);
        figures.Print();
        await figures.WriteAsync(directory, cancellation);
    }

    // All take turns in short slices, so that whatever else the machine does affects them alike.
    private static async Task<double> MeasureAsync(
        int grpcPort,
        Row[] rows,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{grpcPort}");
        // Not measured: the code must first reach its last tier, which takes the gateway about eight seconds.
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
        var rates = rows.Select(row => row.PerSecond).ToArray();
        var (endpoint, bare, asking) = (rates[0], rates[1], rates[2]);
        var (direct, behind, keeping) = (rates[3], rates[4], rates[5]);
        figures.AtLeast("gateway / endpoint", 100 * direct / endpoint, 60, "%");
        figures.AtLeast("gateway / bare middleware", 100 * direct / bare, 60, "%");
        figures.AtLeast("gateway / endpoint that asks, too", 100 * direct / asking, 60, "%");
        figures.Note("gateway with sidecar / endpoint", 100 * behind / endpoint, "%");
        figures.Note("gateway with sidecar / endpoint that asks", 100 * behind / asking, "%");
        figures.AtLeast("gateway from memory / endpoint", 100 * keeping / endpoint, 60, "%");
        figures.Note("gateway / direct gRPC call", 100 * direct / grpc, "%");
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
