using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Google.Protobuf;
using Souk.Catalog.V1;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Bench.Gateway;

/// <summary>
/// A product of 2 KB from the wire to JSON and back: the gateway's way beside that of Google.Protobuf, which
/// makes message objects in between.
/// </summary>
public class TranscodingBench
{
    private const double MicrosecondsMax = 15;
    private const double BytesMax = 1024;
    private const double TimesFaster = 3;

    private readonly MessagePlan _plan = Contracts
        .Of(typeof(Product).Assembly)
        .Rpcs.Single(rpc => rpc.Name == nameof(IdleCatalog.GetProduct))
        .Output;

    private readonly JsonFormatter _formatter = new(
        JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true).WithFormatDefaultValues(true)
    );

    private readonly byte[] _wire = SampleProduct.Message().ToByteArray();
    private byte[] _ourJson = [];
    private byte[] _theirJson = [];

    [GlobalSetup]
    public void Prepare()
    {
        using var json = new PooledBuffer();
        WireToJson.Message(_plan, _wire, json);
        _ourJson = json.Written.ToArray();
        _theirJson = Encoding.UTF8.GetBytes(_formatter.Format(SampleProduct.Message()));
    }

    [Benchmark]
    public int WireToJsonByGateway()
    {
        using var json = new PooledBuffer();
        WireToJson.Message(_plan, _wire, json);
        return json.Length;
    }

    [Benchmark]
    public int WireToJsonByGoogle() =>
        Encoding.UTF8.GetBytes(_formatter.Format(Product.Parser.ParseFrom(_wire))).Length;

    [Benchmark]
    public int JsonToWireByGateway()
    {
        using var wire = new PooledBuffer();
        JsonToWire.Message(_plan, _ourJson, wire);
        return wire.Length;
    }

    [Benchmark]
    public int JsonToWireByGoogle() =>
        JsonParser.Default.Parse<Product>(Encoding.UTF8.GetString(_theirJson)).ToByteArray().Length;

    /// <summary>Runs all four and adds their figures.</summary>
    internal static void Run(Figures figures, string directory)
    {
        var config = new ManualConfig()
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(NullLogger.Instance)
            .WithArtifactsPath(Path.Combine(directory, "benchmarkdotnet"));
        var summary = BenchmarkRunner.Run<TranscodingBench>(config);
        figures.Note("the product on the wire", SampleProduct.Message().CalculateSize(), "bytes");
        Tell(figures, "to JSON", summary, nameof(WireToJsonByGateway), nameof(WireToJsonByGoogle));
        Tell(figures, "from JSON", summary, nameof(JsonToWireByGateway), nameof(JsonToWireByGoogle));
    }

    private static void Tell(Figures figures, string way, Summary summary, string ours, string theirs)
    {
        var (own, other) = (Of(summary, ours), Of(summary, theirs));
        figures.Below($"{way}", own.Microseconds, MicrosecondsMax, "us");
        figures.Below($"{way}, allocated", own.Bytes, BytesMax, "bytes");
        figures.Note($"{way} by Google.Protobuf", other.Microseconds, "us");
        figures.Note($"{way} by Google.Protobuf, allocated", other.Bytes, "bytes");
        figures.AtLeast($"{way}, faster", other.Microseconds / own.Microseconds, TimesFaster, "times");
    }

    private static (double Microseconds, double Bytes) Of(Summary summary, string method)
    {
        var report = summary.Reports.Single(report =>
            report.BenchmarkCase.Descriptor.WorkloadMethod.Name == method
        );
        var statistics = report.ResultStatistics ?? throw new InvalidOperationException($"{method} failed");
        return (
            statistics.Mean / 1000,
            report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0
        );
    }
}
