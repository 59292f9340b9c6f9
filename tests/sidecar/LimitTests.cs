using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;

namespace Souk.Tests.Sidecar;

/// <summary>Too much, too little, and nothing at all: the sidecar says so or stays calm, and goes
/// on.</summary>
internal sealed class LimitTests
{
    private TestSidecar _sidecar = null!;

    private int HttpPort => _sidecar.Spec("app").HttpPort;

    private int GrpcPort => _sidecar.Spec("app").GrpcPort;

    [OneTimeSetUp]
    public async Task Start() =>
        _sidecar = await TestSidecar.StartAsync(
            Yaml.Component("store", "state.in-memory", "v1", Yaml.Item("unused", "x")),
            TestSidecar.App("app")
        );

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_sidecar is not null)
            await _sidecar.DisposeAsync();
    }

    [Test]
    public async Task SaveState_LargerThanAllowed_IsRefusedAndTheNextIsTaken()
    {
        var failure = await DaprFailure.OfAsync(() => SaveAsync(5 * 1024 * 1024));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.ResourceExhausted));
        await SaveAsync(3 * 1024 * 1024);
        using var http = new HttpClient();
        // Without it the refusal may come while the body is still on its way, and break the connection.
        http.DefaultRequestHeaders.ExpectContinue = true;
        using var body = new ByteArrayContent(new byte[5 * 1024 * 1024]);
        using var answer = await http.PostAsync($"http://127.0.0.1:{HttpPort}/v1.0/state/store", body);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
        await SaveAsync(10);
    }

    [TestCase("")]
    [TestCase("GET /v1.0/healthz HTTP/1.1\r\nHost: x")]
    [TestCase("POST /v1.0/state/store HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[{")]
    [TestCase("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [TestCase("\0\0\u0004")]
    public async Task Connect_HalfARequestByManyAndNothingMore_KeepsNobodyWaiting(string words)
    {
        const int connections = 300;
        var open = new List<Socket>();
        try
        {
            for (var i = 0; i < connections; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                open.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, i % 2 == 0 ? HttpPort : GrpcPort);
                await socket.SendAsync(Encoding.Latin1.GetBytes(words));
            }
            await SaveAsync(10);
            // Half of them vanish without a word, half with a reset.
            foreach (var socket in open.Take(connections / 2))
                socket.LingerState = new LingerOption(true, 0);
        }
        finally
        {
            open.ForEach(socket => socket.Dispose());
        }
        await SaveAsync(10);
    }

    [Test]
    public async Task Serve_SteadyLoad_MemoryStaysFlat()
    {
        const int rounds = 4;
        const int operations = 4_000;
        var state = Yaml.Component("store", "state.in-memory", "v1", Yaml.Item("unused", "x"));
        await using var sidecar = await SidecarProcess.StartAsync(state, "soak");
        var resident = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, operations),
                new ParallelOptions { MaxDegreeOfParallelism = 16 },
                async (i, token) =>
                    await sidecar.Client.SaveStateAsync(Save($"k{i % 100}", 10_000), null, null, token)
            );
            resident.Add(sidecar.ResidentMiB);
        }
        await TestContext.Out.WriteLineAsync(
            string.Join(' ', resident.Select(mib => mib.ToString("F0", CultureInfo.InvariantCulture)))
                + " MiB"
        );
        // A round passes 40 MB through; what it kept of them would show. The first ones fill caches and
        // pools.
        Assert.That(resident[^1] - resident[1], Is.LessThan(32));
    }

    private Task SaveAsync(int bytes) =>
        _sidecar.Client("app").SaveStateAsync(Save("k", bytes)).ResponseAsync;

    private static SaveStateRequest Save(string key, int bytes)
    {
        var request = new SaveStateRequest { StoreName = "store" };
        request.States.Add(new StateItem { Key = key, Value = ByteString.CopyFrom(new byte[bytes]) });
        return request;
    }
}
