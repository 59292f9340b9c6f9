using System.Net;
using System.Net.WebSockets;
using Grpc.Core;
using Souk.Gateway.Load;
using Souk.Gateway.Routing;
using Souk.Options.V1;
using Souk.Tests.Gateway.Protos;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>
/// More clients at once than a service can have. It holds every call that reaches it, so who is in and who is
/// refused is counted and not a matter of time.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class OverloadTests
{
    private const int Bulk = AdaptiveLimit.Initial / 2;
    private const int Browse = AdaptiveLimit.Initial * 7 / 10;
    private const int All = AdaptiveLimit.Initial;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // A machine that stalls must not end a call that the test holds.
    private static readonly (string, string) Patient = ("X-Request-Timeout", "100");

    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());

    [TestCase(false)]
    [TestCase(true)]
    public async Task BrowsePage_CallerLeavesOrItsTimeIsOver_EndsTheServicesCall(bool leaves)
    {
        await using var gateway = await GatewayHarness.StartAsync();
        gateway.Traffic.Hold();
        using var gone = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/pages/1:browse");
        if (!leaves)
            request.Headers.Add("X-Request-Timeout", "0.5");
        var call = gateway.Http.SendAsync(request, gone.Token);
        if (leaves)
        {
            await Eventually.ThatAsync(() => gateway.Traffic.Calls > 0);
            await gone.CancelAsync();
            await Assert.ThatAsync(() => call, Throws.InstanceOf<OperationCanceledException>());
        }
        else
        {
            using var answer = await call;
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.GatewayTimeout));
        }
        // On a machine that stalls the time may be over before the service has heard of the call.
        await Eventually.ThatAsync(() => gateway.Traffic.Cancelled >= gateway.Traffic.Calls);
    }

    [Test]
    [Description("X-19")]
    public async Task PayPage_AllClientsAtOnce_PassesWhereLessImportantCallsAreShed()
    {
        await using var gateway = await GatewayHarness.StartAsync(s => s.WithoutRates(), _clock);
        gateway.Traffic.Hold();
        var load = gateway.Part<LoadGate>().Of("echo");

        var exports = Clients(gateway, Bulk + 20, "GET", "export");
        await Eventually.ThatAsync(() => load.AtOnce == Bulk && Refused(exports) == 20);
        var browsers = Clients(gateway, Browse - Bulk + 20, "GET", "browse");
        await Eventually.ThatAsync(() => load.AtOnce == Browse && Refused(browsers) == 20);
        var payers = Clients(gateway, All - Browse, "POST", "pay");
        await Eventually.ThatAsync(() => load.AtOnce == All);
        // Full is full: one payer more is one too many.
        var late = await gateway.SendAsync("POST", "/api/v1/pages/1:pay");
        gateway.Traffic.Release();
        var (exported, browsed) = (await Task.WhenAll(exports), await Task.WhenAll(browsers));
        var paid = await Task.WhenAll(payers);

        Assert.That(paid.Select(answer => answer.Status), Is.All.EqualTo(200));
        AreShed(exported, admitted: Bulk, retryAfter: "10");
        AreShed(browsed, admitted: Browse - Bulk, retryAfter: "3");
        AreShed([late], admitted: 0, retryAfter: "1");
        Assert.That(load.AtOnce, Is.Zero);
        var after = await Task.WhenAll(Clients(gateway, 40, "GET", "export"));
        Assert.That(after.Select(answer => answer.Status), Is.All.EqualTo(200), "it is over");
    }

    [Test]
    [Description("X-19")]
    public async Task WatchThings_ServiceHasAllItsStreams_AreRefusedUntilOneEnds()
    {
        await using var gateway = await GatewayHarness.StartAsync(s => s with { StreamsPerService = 10 });
        var load = gateway.Part<LoadGate>().Of("echo");
        var hold = new WatchThingsRequest { Count = 1, Hold = true };
        // Seven of ten, for those who look around; by every way that there is.
        var calls = Enumerable.Range(0, 6).Select(_ => gateway.Grpc.WatchThings(hold)).ToList();
        foreach (var call in calls)
            Assert.That(await call.ResponseStream.MoveNext(CancellationToken.None));
        var path = new Uri("/api/v1/watch?count=1&hold=true", UriKind.Relative);
        var events = await gateway.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        Assert.That(load.Streams, Is.EqualTo(7));

        var refused = await gateway.SendAsync("GET", "/api/v1/watch?count=1");
        Assert.That(refused.Problem, Is.EqualTo((503, "UNAVAILABLE", "OVERLOADED")));
        Assert.That(refused.Header("Retry-After"), Is.EqualTo("3"));
        Assert.That(await SocketCodeAsync(gateway), Is.EqualTo(4000 + (int)StatusCode.Unavailable));
        Assert.That(
            (await gateway.SendAsync("GET", "/api/v1/things/1")).Status,
            Is.EqualTo(200),
            "no stream"
        );

        events.Dispose();
        calls.ForEach(call => call.Dispose());
        await Eventually.ThatAsync(() => load.Streams == 0);
        Assert.That((await gateway.SendAsync("GET", "/api/v1/watch?count=1")).Status, Is.EqualTo(200));
        Assert.That(load.Streams, Is.Zero);
    }

    [Test]
    [Description("X-19")]
    public async Task WatchThings_CannotBeOpened_TakesNoPlace()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        for (var call = 0; call < 3; call++)
            Assert.That((await gateway.SendAsync("GET", "/api/v1/watch?count=0")).Status, Is.EqualTo(409));
        Assert.That(gateway.Part<LoadGate>().Of("echo").Streams, Is.Zero);
    }

    /// <summary>What the shop cannot do without is what the contracts say goes first.</summary>
    [TestCase("CreateOrder", Priority.Checkout)]
    [TestCase("LoginUser", Priority.Checkout)]
    [TestCase("ApplyCoupon", Priority.Cart)]
    [TestCase("GetProduct", Priority.Browse)]
    [TestCase("ListProducts", Priority.Browse)]
    [TestCase("ListOrders", Priority.Bulk)]
    [Description("X-19")]
    public void Contracts_Priorities_PutTheSaleFirst(string rpc, Priority priority) =>
        Assert.That(
            Contracts
                .Of(typeof(Souk.Type.Money).Assembly)
                .Rpcs.Single(each => each.Name == rpc)
                .Traffic.Priority,
            Is.EqualTo(priority)
        );

    private static Task<Answer>[] Clients(GatewayHarness gateway, int count, string method, string verb) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ => gateway.SendAsync(method, $"/api/v1/pages/1:{verb}", null, Patient)),
        ];

    private static int Refused(Task<Answer>[] calls) => calls.Count(call => call.IsCompletedSuccessfully);

    private static void AreShed(Answer[] answers, int admitted, string retryAfter)
    {
        Assert.That(answers.Count(answer => answer.Status == 200), Is.EqualTo(admitted));
        var shed = answers.Where(answer => answer.Status != 200).ToList();
        Assert.That(
            shed.Select(answer => answer.Problem),
            Is.All.EqualTo((503, "UNAVAILABLE", "OVERLOADED"))
        );
        Assert.That(shed.Select(answer => answer.Header("Retry-After")), Is.All.EqualTo(retryAfter));
        Assert.That(
            shed.Select(answer => (string?)answer.Json["metadata"]!["app_id"]),
            Is.All.EqualTo("echo")
        );
    }

    private static async Task<int> SocketCodeAsync(GatewayHarness gateway)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("souk.json.v1");
        var address = new UriBuilder(gateway.Origin)
        {
            Scheme = "ws",
            Path = "/api/v1/watch",
            Query = "count=1",
        };
        await socket.ConnectAsync(address.Uri, patience.Token);
        var buffer = new byte[4096];
        while ((await socket.ReceiveAsync(buffer, patience.Token)).MessageType != WebSocketMessageType.Close)
        { }
        return (int)socket.CloseStatus!.Value;
    }
}
