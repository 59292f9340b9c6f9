using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Net.Client;
using Spectre.Console;
using DaprClient = Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient;

namespace Souk.Bench.Sidecar;

/// <summary>
/// Whether the local runtime leaks: its memory under minutes of steady load, and with ten thousand
/// connections that say nothing.
/// </summary>
internal static class SoakBench
{
    private const double OperationsPerSecond = 400;
    private const int IdleConnections = 10_000;
    private const int Samples = 10;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(TimeSpan duration, string directory, CancellationToken cancellation)
    {
        await using var database = await BenchDatabase.CreateAsync(cancellation);
        var app = new BenchedApp("app", FreePorts.One());
        await using var behind = await MeasuredApp.StartAsync(app.Port);
        await using var sidecar = await SidecarUnderTest.StartAsync(
            [app],
            SidecarBench.Components(database.Url),
            cancellation
        );
        var figures = new Figures("local runtime, soak", "soak.json");
        await MeasureConnectionsAsync(figures, app, sidecar, cancellation);
        await MeasureLoadAsync(figures, app, behind, sidecar, duration, cancellation);
        figures.Print();
        await figures.WriteAsync(directory, cancellation);
    }

    private static async Task MeasureConnectionsAsync(
        Figures figures,
        BenchedApp app,
        SidecarUnderTest sidecar,
        CancellationToken cancellation
    )
    {
        var before = sidecar.ResidentMiB;
        var idle = new List<Socket>(IdleConnections);
        try
        {
            for (var i = 0; i < IdleConnections; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                idle.Add(socket);
                var port = i % 2 == 0 ? app.HttpPort : app.GrpcPort;
                await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
            }

            figures.Note($"memory before {IdleConnections} idle connections", before, "MiB");
            figures.Note("  with them", sidecar.ResidentMiB, "MiB");
            using var http = new HttpClient();
            using var answer = await http.GetAsync(app.Health, cancellation);
            figures.Note("  answers beside them (204 is right)", (int)answer.StatusCode, "");
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }
    }

    private static async Task MeasureLoadAsync(
        Figures figures,
        BenchedApp app,
        MeasuredApp behind,
        SidecarUnderTest sidecar,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{app.GrpcPort}");
        var load = Mixed(new DaprClient(channel), behind);
        // Caches, pools and compiled code grow at first, and are no leak.
        await OpenLoop.RunAsync(load, Settling, cancellation);
        var memory = new List<double>();
        for (var i = 0; i < Samples; i++)
        {
            var result = await OpenLoop.RunAsync(load, duration / Samples, cancellation);
            figures.Fail("soak", result.Failures);
            memory.Add(sidecar.ResidentMiB);
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[grey]{memory[^1]:F0} MiB[/]");
        }

        // The second fifth against the last: a leak shows as a slope, the collector's rhythm does not.
        var early = memory.Skip(Samples / 5).Take(Samples / 5).Average();
        var late = memory.TakeLast(Samples / 5).Average();
        figures.Note($"memory early in {duration.TotalSeconds:F0} s of load", early, "MiB");
        figures.Note("  at their end", late, "MiB");
        figures.Below("  growth", late - early, Math.Round(Math.Max(8, early * 0.1)), "MiB");
    }

    private static Load Mixed(DaprClient client, MeasuredApp behind) =>
        new(
            OperationsPerSecond,
            async (i, token) =>
            {
                var key = string.Create(CultureInfo.InvariantCulture, $"soak-{i % 1_000}");
                switch (i % 4)
                {
                    case 0:
                        var save = new SaveStateRequest { StoreName = "statestore" };
                        save.States.Add(new StateItem { Key = key, Value = ByteString.CopyFromUtf8(key) });
                        await client.SaveStateAsync(save, null, null, token);
                        break;
                    case 1:
                        var get = new GetStateRequest { StoreName = "statestore", Key = key };
                        await client.GetStateAsync(get, null, null, token);
                        break;
                    case 2:
                        await client.GetMetadataAsync(new GetMetadataRequest(), null, null, token);
                        break;
                    default:
                        await MeasuredApp.PublishAsync(client, behind, token);
                        break;
                }
            }
        );
}
