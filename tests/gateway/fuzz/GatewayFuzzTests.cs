using System.Globalization;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>
/// Requests that nobody should send, from fixed seeds: REST, gRPC-Web and HTTP/2 frames. Nothing of it may be
/// a fault of the gateway, nothing may hang, and its memory stays what it was: so it runs alone. <c>make
/// fuzz</c> sends a million.
/// </summary>
[NonParallelizable]
public sealed class GatewayFuzzTests
{
    /// <summary>One test each, as a test that takes minutes looks as if it hung.</summary>
    private const int RequestsPerRound = 25_000;

    private const int WarmingRequests = 5_000;
    private const int Senders = 8;
    private const int RequestsPerConnection = 40;
    private const long GrowthBytesMax = 64 * 1024 * 1024;

    private readonly FuzzLog _log = new();
    private GatewayHarness _gateway = null!;
    private long _heap;

    /// <summary>SOUK_FUZZ requests in all; each round has seeds of its own.</summary>
    private static IEnumerable<int> Rounds =>
        Enumerable.Range(
            1,
            int.TryParse(
                Environment.GetEnvironmentVariable("SOUK_FUZZ"),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var total
            )
                ? Math.Max(1, total / RequestsPerRound)
                : 1
        );

    [OneTimeSetUp]
    public async Task Start()
    {
        _gateway = await GatewayHarness.StartAsync(s => s.WithoutRates(), logs: _log);
        // First the pools, caches and compiled methods.
        await SendAsync(_gateway.Origin.Port, WarmingRequests, seed: 0);
        _heap = GC.GetTotalMemory(forceFullCollection: true);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _gateway.DisposeAsync();
        _log.Dispose();
    }

    [TestCaseSource(nameof(Rounds))]
    public async Task Gateway_AnyBytes_AreNeverItsFaultAndNeverStay(int round)
    {
        await SendAsync(_gateway.Origin.Port, RequestsPerRound, seed: round * 1000);
        var grown = GC.GetTotalMemory(forceFullCollection: true) - _heap;
        var answers = _log.Answers.OrderByDescending(answer => answer.Value);
        TestContext.Out.WriteLine(
            $"heap {_heap >> 10} KiB and {grown >> 10} since; "
                + string.Join(", ", answers.Select(answer => $"{answer.Key} x {answer.Value}"))
        );
        Assert.That(_log.Faults, Is.Empty);
        Assert.That(
            _log.Answers.Keys,
            Is.SupersetOf(new[] { "200", "400", "401", "403", "404", "405", "415" })
        );
        Assert.That(grown, Is.LessThan(GrowthBytesMax));
        Assert.That((await _gateway.SendAsync("GET", "/api/v1/names")).Status, Is.EqualTo(200));
    }

    private static Task SendAsync(int port, int requests, int seed) =>
        Task.WhenAll(
            Enumerable
                .Range(0, Senders)
                .Select(sender => Task.Run(() => OneAsync(port, requests / Senders, seed + sender)))
        );

    private static async Task OneAsync(int port, int requests, int seed)
    {
        var random = new Random(seed);
        var text = new FuzzText(random);
        using var lines = new FuzzSocket(port);
        using var frames = new FuzzSocket(port);
        for (var sent = 0; sent < requests; )
        {
            if (random.Next(400) == 0)
            {
                await frames.SendAsync(new FuzzFrames(random).Next(RequestsPerConnection));
                sent += RequestsPerConnection;
            }
            else
            {
                await lines.SendAsync(text.Next());
                sent++;
            }
        }
    }
}
