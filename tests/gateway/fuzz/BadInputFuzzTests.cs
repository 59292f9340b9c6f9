using System.Net.Sockets;
using System.Text;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>
/// Whatever strangers send over HTTP/1.1, each request on a connection of its own: the answer is theirs to
/// fix, never a 5xx, never a hung connection.
/// </summary>
public sealed class BadInputFuzzTests
{
    private const int Requests = 3000;

    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() => _gateway = await GatewayHarness.StartAsync(s => s.WithoutRates());

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    public async Task Rest_AnyInput_IsNeverAnsweredWith5xx([Values(21, 22)] int seed)
    {
        var text = new FuzzText(new Random(seed));
        var statuses = new SortedDictionary<int, int>();
        for (var count = 0; count < Requests; count++)
        {
            var request = text.Alone();
            var status = await SendAsync(request);
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
            Assert.That(status, Is.LessThan(500), Encoding.Latin1.GetString(request));
        }
        TestContext.Out.WriteLine(string.Join(", ", statuses.Select(entry => $"{entry.Key}: {entry.Value}")));
        Assert.That(statuses, Contains.Key(200).And.ContainKey(400).And.ContainKey(404));
    }

    private async Task<int> SendAsync(byte[] request)
    {
        using var client = new TcpClient();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await client.ConnectAsync("127.0.0.1", _gateway.Http.BaseAddress!.Port, timeout.Token);
        var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(request, timeout.Token);
        }
        catch (IOException)
        {
            // Cut off amid its writing: what was answered is there to be read all the same.
        }
        using var reader = new StreamReader(stream, Encoding.Latin1);
        var first = await reader.ReadLineAsync(timeout.Token);
        Assert.That(first, Does.StartWith("HTTP/1.1 "), Encoding.Latin1.GetString(request));
        if (first!.StartsWith("HTTP/1.1 100", StringComparison.Ordinal))
        {
            await reader.ReadLineAsync(timeout.Token);
            first = await reader.ReadLineAsync(timeout.Token);
        }
        return int.Parse(first!.AsSpan(9, 3));
    }
}
