using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Hosting;
using Souk.Gateway.Http;
using Souk.Tests.Gateway.Protos;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>
/// What those who run the gateway see of it: metrics, log lines, and a stop that nobody notices.
/// </summary>
public sealed class OperatorTests
{
    [Test]
    [Description("X-25")]
    public async Task Metrics_OnTheOperatorsPort_TellRoutesAndHitsAndNothingElseIsThere()
    {
        await using var gateway = await GatewayHarness.StartAsync(s => s with { OperatorPort = 0 });
        await gateway.SendAsync("GET", "/api/v1/pages/metered");
        await gateway.SendAsync("GET", "/api/v1/pages/metered");
        await gateway.SendAsync("GET", "/api/v1/pages/gone");
        using var operators = new HttpClient { BaseAddress = gateway.OperatorOrigin };
        const string route = "http_route=\"/api/v1/pages/{page_id}\",http_request_method=\"GET\"";
        var text = await MetricsAsync(
            gateway,
            so => so.Contains($"_count{{{route},http_response_status_code=\"404\",rpc_code=\"NOT_FOUND\"}}")
        );
        Assert.That(text, Does.Contain("# TYPE gateway_request_duration_milliseconds histogram"));
        Assert.That(text, Does.Contain($"gateway_response_size_bytes_bucket{{{route},le=\"4096\"}}"));
        Assert.That(text, Does.Match("gateway_cache_lookups_total{rpc=\"GetPage\",outcome=\"hit\"} [1-9]"));
        Assert.That(text, Does.Contain("gateway_service_limit{app_id=\"echo\"}"));
        Assert.That(text, Does.Not.Contain("metered"), "paths hold ids");
        using var elsewhere = await operators.GetAsync(new Uri("/api/v1/pages/1", UriKind.Relative));
        Assert.That(elsewhere.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That(
            (await gateway.SendAsync("GET", "/metrics")).Status,
            Is.EqualTo(404),
            "not for the public"
        );
    }

    [Test]
    [Description("X-25")]
    public async Task Metrics_TimesOfARoute_GiveItsPercentiles()
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await GatewayHarness.StartAsync(s => s with { OperatorPort = 0 }, clock);
        // One in twenty is slow, one very slow: p50, p95 and p99 are the three times that there are.
        var times = Enumerable.Repeat(4, 18).Append(40).Append(400).ToArray();
        const string durations = "gateway_request_duration_milliseconds";
        var text = "";
        for (var at = 0; at < times.Length; at++)
        {
            var calls = gateway.Traffic.Calls;
            gateway.Traffic.Hold();
            // The process measures for all its gateways: by this verb no other test calls this route.
            var call = gateway.SendAsync("HEAD", "/api/v1/pages/1:browse");
            await Eventually.ThatAsync(() => gateway.Traffic.Calls > calls);
            clock.Advance(TimeSpan.FromMilliseconds(times[at]));
            gateway.Traffic.Release();
            Assert.That((await call).Status, Is.EqualTo(200));
            // A call lasts until it is counted, a moment after its answer: the next one's time is not its.
            text = await MetricsAsync(
                gateway,
                so => Buckets(so, durations) is [.., var all] && all.Count > at
            );
        }
        var buckets = Buckets(text, durations);
        var sizes = Buckets(text, "gateway_response_size_bytes");
        Assert.Multiple(() =>
        {
            Assert.That(Quantile(buckets, 0.5), Is.InRange(3, 5));
            Assert.That(Quantile(buckets, 0.95), Is.InRange(30, 50));
            Assert.That(Quantile(buckets, 0.99), Is.InRange(300, 500));
            Assert.That(buckets[^1].Count, Is.EqualTo(times.Length));
            Assert.That(Quantile(sizes, 0.5), Is.InRange(1024, 4096), "bytes");
        });
    }

    [Test]
    [Description("X-25")]
    public async Task Logs_WhateverIsAsked_HaveALineARequest()
    {
        using var logs = new RecordingLogger();
        await using (var gateway = await GatewayHarness.StartAsync(logs: logs))
        {
            await gateway.SendAsync("GET", "/health");
            await gateway.SendAsync("HEAD", "/docs");
            await gateway.SendAsync("OPTIONS", "/api/v1/things");
            await gateway.SendAsync("OPTIONS", "/api/v1/nothing");
            await gateway.SendAsync("GET", "/api/v1/names");
            await gateway.SendAsync("POST", "/api/v1/things", "{}");
            await gateway.Grpc.GetThingAsync(new GetThingRequest());
            // A line is written a moment after its answer.
            await Eventually.ThatAsync(() => logs.Lines.Count(line => line.Contains(" ms ")) >= 7);
        }
        var told = logs.Lines.Where(line => line.Contains(" ms ")).Select(line => line.Split(' '));

        Assert.That(
            // On another connection a line may be written before the one of the answer before it.
            told.Select(words => $"{words[0]} {words[1]} {words[2]}"),
            Is.EquivalentTo(
                new[]
                {
                    "GET /health -",
                    "HEAD /docs -",
                    "OPTIONS - -",
                    "OPTIONS - -",
                    "GET /api/v1/names ListNames",
                    "POST /api/v1/things CreateThing",
                    "POST /souk.echo.v1.EchoService/GetThing GetThing",
                }
            )
        );
    }

    [Test]
    [Description("X-28")]
    public async Task Logs_WhateverIsSent_NameNobody()
    {
        string[] canaries =
        [
            "canary@example.com",
            "+4915112345678",
            "Canary Street 7",
            "4111111111111111",
            "canarytoken",
        ];
        using var logs = new RecordingLogger();
        await using (var gateway = await GatewayHarness.StartAsync(logs: logs))
        {
            foreach (var canary in canaries)
            {
                var escaped = Uri.EscapeDataString(canary);
                await gateway.SendAsync("GET", $"/api/v1/things/{escaped}?q={escaped}");
                await gateway.SendAsync("GET", $"/api/v1/{escaped}/{escaped}");
                await gateway.SendAsync("POST", "/api/v1/guesses", $$"""{"page_id":"{{canary}}"}""");
                await gateway.SendAsync("POST", "/api/v1/guesses", $$"""{"{{canary}}":1}""");
                await gateway.SendAsync("POST", "/api/v1/fail", $$"""{"code":13,"message":"{{canary}}"}""");
                await gateway.SendAsync("GET", "/api/v1/names", null, ("Authorization", $"Bearer {canary}"));
                await gateway.SendAsync("GET", "/api/v1/names", null, ("X-Forwarded-For", canary));
            }
            await gateway.SendAsAsync("seller", "PUT", "/api/v1/pages/1", "{}");
            await Eventually.ThatAsync(() => logs.Lines.Any(line => line.Contains("UpdatePage")));
        }
        Assert.That(logs.Lines, Has.Count.GreaterThan(20));
        foreach (var canary in canaries)
            Assert.That(logs.Lines, Has.None.Contains(canary));
        var update = logs.Lines.Single(line => line.Contains("UpdatePage"));
        Assert.That(
            update,
            Does.Match(
                @"^PUT /api/v1/pages/\{page_id\} UpdatePage user_seller 200 OK  "
                    + "[0-9.]+ ms [0-9]+ B [0-9a-f]{32}$"
            )
        );
    }

    [TestCase("", "-")]
    [TestCase("user_0198c1d2000070008000000000000001", "user_…000001")]
    [TestCase("svc_cart", "svc_cart")]
    [Description("X-28")]
    public void Masked_User_KeepsEnoughToFollowOne(string id, string shown) =>
        Assert.That(Masked.User(id), Is.EqualTo(shown));

    [Test]
    [Description("X-22")]
    public async Task Stop_CallsUnderWay_EndWellAndReadySaysSoFirst()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        gateway.Traffic.Hold();
        var underWay = gateway.SendAsync("GET", "/api/v1/pages/1:browse");
        await Eventually.ThatAsync(() => gateway.Traffic.Calls > 0);
        gateway.Part<IHostApplicationLifetime>().StopApplication();
        var ready = await gateway.SendAsync("GET", "/ready");
        Assert.That((ready.Status, (string?)ready.Json["status"]), Is.EqualTo((503, "draining")));
        var last = await gateway.SendAsync("GET", "/api/v1/names");
        Assert.That(last.Status, Is.EqualTo(200), "until the listener is closed, calls are answered");
        Assert.That(last.Response.Headers.ConnectionClose, Is.True);
        var stop = gateway.StopAsync();
        gateway.Traffic.Release();
        Assert.That((await underWay).Status, Is.EqualTo(200));
        await stop;
        Assert.That(
            async () => await gateway.SendAsync("GET", "/health"),
            Throws.InstanceOf<HttpRequestException>()
        );
    }

    // A connection of HTTP/2 is told to go elsewhere and served to the end of what it has asked for.
    [Test]
    [Description("X-22")]
    public async Task Stop_GrpcCallsUnderWay_EndWellAndNewOnesAreRefused()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        var pages = new TrafficService.TrafficServiceClient(gateway.Channel);
        gateway.Traffic.Hold();
        var underWay = pages.BrowsePageAsync(new PageRequest { PageId = "1" }).ResponseAsync;
        await Eventually.ThatAsync(() => gateway.Traffic.Calls > 0);
        var stop = gateway.StopAsync();
        await Eventually.ThatAsync(() => IsClosed(gateway.Origin.Port));
        gateway.Traffic.Release();

        Assert.That((await underWay).PageId, Is.EqualTo("1"));
        await stop;
        var late = await Failure.OfAsync(() => pages.BrowsePageAsync(new PageRequest { PageId = "2" }));
        Assert.That(late.Code, Is.EqualTo(Grpc.Core.StatusCode.Unavailable));
    }

    /// <summary>What /metrics tells once it tells something.</summary>
    private static async Task<string> MetricsAsync(GatewayHarness gateway, Func<string, bool> tells)
    {
        var text = "";
        await Eventually.ThatAsync(async () => tells(text = await gateway.MetricsAsync()));
        return text;
    }

    private static bool IsClosed(int port)
    {
        try
        {
            using var another = new TcpClient();
            another.Connect(IPAddress.Loopback, port);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>How many values were up to each bound, as Prometheus reads it.</summary>
    private static List<(double Bound, double Count)> Buckets(string text, string name)
    {
        const string tags = "http_route=\"/api/v1/pages/{page_id}:browse\",http_request_method=\"HEAD\"";
        var pattern = $"^{name}_bucket{{{Regex.Escape(tags)},.*le=\"(.+)\"}} ([0-9]+)$";
        return
        [
            .. Regex
                .Matches(text, pattern, RegexOptions.Multiline)
                .Select(match => (Number(match.Groups[1].Value), Number(match.Groups[2].Value))),
        ];
    }

    private static double Number(string text) =>
        text is "+Inf" ? double.PositiveInfinity : double.Parse(text, CultureInfo.InvariantCulture);

    // As histogram_quantile does it: on a straight line between the bounds.
    private static double Quantile(List<(double Bound, double Count)> buckets, double share)
    {
        var rank = share * buckets[^1].Count;
        var at = buckets.FindIndex(bucket => bucket.Count >= rank);
        var (lower, below) = at == 0 ? (0, 0) : buckets[at - 1];
        return lower + ((buckets[at].Bound - lower) * (rank - below) / (buckets[at].Count - below));
    }
}
