using System.Net;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Souk.Sidecar;
using Souk.Tests.Harness;
using Souk.Tests.Standins;

namespace Souk.Tests.Sidecar;

/// <summary>Calls of every kind through two apps' sidecars.</summary>
internal sealed class ProxyTests
{
    private const string NoTarget =
        "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found";

    private GrpcSeen _seen = new();
    private LoopbackServer _app = null!;
    private TestSidecar _sidecar = null!;

    private GrpcEchoClient Client => ClientOf("callee");

    [SetUp]
    public async Task Start()
    {
        _seen = new GrpcSeen();
        _app = LoopbackServer.Grpc(web => web.MapGrpcService<GrpcEchoService>(), _seen);
        await _app.UpAsync();
        _sidecar = await TestSidecar.StartAsync(
            "",
            TestSidecar.App("caller"),
            TestSidecar.App("callee", _app.Port),
            TestSidecar.App("down", FreePorts.One())
        );
    }

    [TearDown]
    public async Task Stop()
    {
        if (_sidecar is not null)
            await _sidecar.DisposeAsync();
        await _app.DisposeAsync();
    }

    [Test]
    public async Task Unary_Call_CarriesHeadersAndTrailersBothWays()
    {
        var headers = new Metadata { { "x-one", "1" }, { "x-many-bin", [0, 255] } };
        using var call = Client.EchoAsync("hello", new CallOptions(headers));
        Assert.That(await call, Is.EqualTo("hello"));
        var back = await call.ResponseHeadersAsync;
        Assert.That(back.GetValue("x-one"), Is.EqualTo("1"));
        Assert.That(call.GetTrailers().GetValueBytes("x-many-bin"), Is.EqualTo(new byte[] { 0, 255 }));
        Assert.That(_seen.RequestHeaders?.GetValue("dapr-caller-app-id"), Is.EqualTo("caller"));
    }

    [Test]
    public async Task Unary_LargeMessage_ArrivesWhole()
    {
        var text = new string('x', 3_000_000) + "end";
        Assert.That(await Client.EchoAsync(text), Is.EqualTo(text));
    }

    [Test]
    public async Task Unary_ParallelCalls_AllAnswer()
    {
        var client = Client;
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 500).Select(async i => await client.EchoAsync($"{i}"))
        );
        Assert.That(answers, Is.EqualTo(Enumerable.Range(0, 500).Select(i => $"{i}")));
    }

    [Test]
    public async Task Unary_AppFails_StatusAndDetailsPass()
    {
        try
        {
            await Client.FailAsync("this");
            Assert.Fail("the call succeeded");
        }
        catch (RpcException e)
        {
            Assert.That(e.Status.StatusCode, Is.EqualTo(StatusCode.FailedPrecondition));
            Assert.That(e.Status.Detail, Is.EqualTo("cannot this"));
            Assert.That(e.Trailers.GetValueBytes("detail-bin"), Is.EqualTo(new byte[] { 0, 1, 255 }));
        }
    }

    [Test]
    public async Task ClientStreaming_Messages_AllArrive()
    {
        using var call = Client.Join();
        for (var i = 0; i < 100; i++)
            await call.RequestStream.WriteAsync($"{i}");
        await call.RequestStream.CompleteAsync();
        Assert.That(await call, Is.EqualTo(string.Join(',', Enumerable.Range(0, 100))));
    }

    [Test]
    public async Task ServerStreaming_Messages_AllArriveInOrder()
    {
        using var call = Client.Count(1000);
        var received = new List<string>();
        await foreach (var item in call.ResponseStream.ReadAllAsync())
            received.Add(item);
        Assert.That(received, Is.EqualTo(Enumerable.Range(1, 1000).Select(i => $"{i}")));
    }

    [Test]
    public async Task DuplexStreaming_EachMessage_IsAnsweredBeforeTheNext()
    {
        using var call = Client.Shout();
        for (var i = 0; i < 20; i++)
        {
            await call.RequestStream.WriteAsync($"word {i}");
            Assert.That(await call.ResponseStream.MoveNext());
            Assert.That(call.ResponseStream.Current, Is.EqualTo($"WORD {i}"));
        }
        await call.RequestStream.CompleteAsync();
        Assert.That(await call.ResponseStream.MoveNext(), Is.False);
    }

    [Test]
    public async Task Unary_Deadline_ReachesTheAppAndEndsTheCall()
    {
        // On a machine that stalls the time may be over before the call has reached the app.
        for (var ms = 500; !_seen.Arrived.Task.IsCompleted; ms *= 2)
        {
            var options = new CallOptions(
                deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(ms)
            );
            var failure = await DaprFailure.OfAsync(async () => await Client.HangAsync(options));
            Assert.That(failure.Code, Is.EqualTo(StatusCode.DeadlineExceeded));
        }
        await _seen.UntilCancelled();
        Assert.That(_seen.Deadline, Is.LessThan(DateTime.MaxValue));
    }

    [Test]
    public async Task Unary_CallerCancels_ReachesTheApp()
    {
        using var cancellation = new CancellationTokenSource();
        using var call = Client.HangAsync(new CallOptions(cancellationToken: cancellation.Token));
        await _seen.UntilArrived();
        await cancellation.CancelAsync();
        await _seen.UntilCancelled();
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Cancelled));
    }

    [Test]
    public async Task Unary_AppDown_IsUnavailable()
    {
        var failure = await DaprFailure.OfAsync(async () => await ClientOf("down").EchoAsync("x"));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Unavailable));
    }

    [Test]
    public async Task Unary_AppRestarted_CallsReachItAgain()
    {
        Assert.That(await Client.EchoAsync("a"), Is.EqualTo("a"));
        await _app.DownAsync();
        var failure = await DaprFailure.OfAsync(async () => await Client.EchoAsync("b"));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Unavailable));
        await _app.UpAsync();
        Assert.That(await Client.EchoAsync("c"), Is.EqualTo("c"));
    }

    [Test]
    public async Task Unary_NoTarget_IsUnknown()
    {
        var client = new GrpcEchoClient(_sidecar.Channel("caller"));
        var failure = await DaprFailure.OfAsync(async () => await client.EchoAsync("x"));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Unknown));
        Assert.That(failure.Message, Is.EqualTo(NoTarget));
    }

    // Clients in JavaScript undo gRPC's own encoding and no more: what else is encoded, people read as it is.
    [Test]
    public async Task Unary_NoTarget_MessageIsOnTheWireAsItIs()
    {
        using var caller = new HttpClient
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var body = new ByteArrayContent([0, 0, 0, 0, 0]);
        body.Headers.ContentType = new("application/grpc");
        var address = new Uri($"http://127.0.0.1:{_sidecar.Spec("caller").GrpcPort}/shop.Counter/Ask");
        using var answer = await caller.PostAsync(address, body);
        Assert.That(answer.Headers.GetValues("grpc-message"), Is.EqualTo(new[] { NoTarget }));
    }

    [TestCase("dapr-app-id", "dapr-callee-app-id")]
    [TestCase("dapr-callee-app-id", "dapr-app-id")]
    public async Task Unary_BothNamesOfATarget_TheCalleeCounts(string first, string second)
    {
        string Target(string header) => header == "dapr-callee-app-id" ? "callee" : "nobody";
        var headers = new Metadata { { first, Target(first) }, { second, Target(second) } };
        var client = new GrpcEchoClient(_sidecar.Channel("caller"));
        Assert.That(await client.EchoAsync("x", new CallOptions(headers)), Is.EqualTo("x"));
    }

    [Test]
    public async Task Unary_UnknownTarget_IsInternal()
    {
        var failure = await DaprFailure.OfAsync(async () => await ClientOf("nobody").EchoAsync("x"));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Internal));
    }

    [Test]
    public async Task Unary_Tokens_AreCheckedAndNotPassedOn()
    {
        var settings = new SidecarSettings { ApiToken = "api", AppToken = "app" };
        await using var sidecar = await TestSidecar.StartAsync(
            settings,
            "",
            TestSidecar.App("callee", _app.Port)
        );
        var client = new GrpcEchoClient(sidecar.Channel("callee"));
        var target = new Metadata { { "dapr-app-id", "callee" } };
        var failure = await DaprFailure.OfAsync(async () =>
            await client.EchoAsync("x", new CallOptions(target))
        );
        Assert.That(
            (failure.Code, failure.Message),
            Is.EqualTo((StatusCode.Unauthenticated, "missing api token in request metadata"))
        );
        var wrong = new Metadata { { "dapr-app-id", "callee" }, { "dapr-api-token", "ape" } };
        var mismatch = await DaprFailure.OfAsync(async () =>
            await client.EchoAsync("x", new CallOptions(wrong))
        );
        Assert.That(
            (mismatch.Code, mismatch.Message),
            Is.EqualTo((StatusCode.Unauthenticated, "authentication error: api token mismatch"))
        );
        target.Add("dapr-api-token", "api");
        Assert.That(await client.EchoAsync("x", new CallOptions(target)), Is.EqualTo("x"));
        Assert.That(_seen.RequestHeaders?.GetValue("dapr-api-token"), Is.EqualTo("app"));
    }

    private GrpcEchoClient ClientOf(string appId) =>
        new(
            _sidecar
                .Channel("caller")
                .Intercept(headers =>
                {
                    headers.Add("dapr-app-id", appId);
                    return headers;
                })
        );
}
