using Grpc.Core;

namespace Souk.Tests.Standins;

/// <summary>
/// Every kind of call, through the real client and the real server, with the stand-ins between them.
/// </summary>
[TestFixture]
public sealed class GrpcCallTests
{
    private GrpcServer _server = null!;

    [SetUp]
    public async Task StartServer() => _server = await GrpcServer.StartAsync();

    [TearDown]
    public async Task StopServer() => await _server.DisposeAsync();

    [Test]
    public async Task Unary_Message_ComesBack()
    {
        using var call = _server.Client.EchoAsync("grüezi");
        Assert.That(await call, Is.EqualTo("grüezi"));
        Assert.That(call.GetStatus().StatusCode, Is.EqualTo(StatusCode.OK));
    }

    [Test]
    public async Task Unary_ConfigureAwait_IsTheResponse() =>
        Assert.That(await _server.Client.EchoAsync("a").ConfigureAwait(false), Is.EqualTo("a"));

    [Test]
    public void BlockingUnary_Message_ComesBack() =>
        Assert.That(_server.Client.EchoBlocking("now"), Is.EqualTo("now"));

    [Test]
    public async Task Unary_Metadata_TravelsBothWays()
    {
        byte[] bytes = [0, 127, 128, 255];
        var headers = new Metadata { { "X-Text", "hello" }, { "x-data-bin", bytes } };
        using var call = _server.Client.EchoAsync("a", new CallOptions(headers));
        await call;
        foreach (var back in new[] { await call.ResponseHeadersAsync, call.GetTrailers() })
        {
            Assert.That(back.GetValue("x-text"), Is.EqualTo("hello"));
            Assert.That(back.GetValueBytes("x-data-bin"), Is.EqualTo(bytes));
        }
    }

    [Test]
    public async Task Unary_RpcException_CarriesStatusAndTrailers()
    {
        using var call = _server.Client.FailAsync("pay");
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.That(error?.StatusCode, Is.EqualTo(StatusCode.FailedPrecondition));
        Assert.That(error?.Status.Detail, Is.EqualTo("cannot pay"));
        Assert.That(error?.Trailers.GetValue("reason"), Is.EqualTo("TEST"));
        Assert.That(error?.Trailers.GetValueBytes("detail-bin"), Is.EqualTo(new byte[] { 0, 1, 255 }));
        Assert.That(call.GetStatus().StatusCode, Is.EqualTo(StatusCode.FailedPrecondition));
    }

    [Test]
    public async Task Unary_UnknownMethod_IsUnimplemented()
    {
        var unknown = new Method<string, string>(
            MethodType.Unary,
            "souk.test.Echo",
            "Missing",
            Marshallers.StringMarshaller,
            Marshallers.StringMarshaller
        );
        var invoker = _server.Channel.CreateCallInvoker();
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await invoker.AsyncUnaryCall(unknown, null, new CallOptions(), "")
        );
        Assert.That(error?.StatusCode, Is.EqualTo(StatusCode.Unimplemented));
    }

    [Test]
    public async Task ClientStreaming_Messages_ArriveInOrder()
    {
        using var call = _server.Client.Join();
        foreach (var part in new[] { "a", "b", "c" })
            await call.RequestStream.WriteAsync(part);
        await call.RequestStream.CompleteAsync();
        Assert.That(await call, Is.EqualTo("a,b,c"));
    }

    [Test]
    public async Task ServerStreaming_Messages_ArriveInOrder()
    {
        using var call = _server.Client.Count(1000);
        var got = new List<string>();
        await foreach (var response in call.ResponseStream.ReadAllAsync())
            got.Add(response);
        Assert.That(got, Is.EqualTo(Enumerable.Range(1, 1000).Select(i => $"{i}")));
        Assert.That(call.GetStatus().StatusCode, Is.EqualTo(StatusCode.OK));
    }

    [Test]
    public async Task DuplexStreaming_Turns_Alternate()
    {
        using var call = _server.Client.Shout();
        foreach (var word in new[] { "one", "two" })
        {
            await call.RequestStream.WriteAsync(word);
            Assert.That(await call.ResponseStream.MoveNext(), Is.True);
            Assert.That(call.ResponseStream.Current, Is.EqualTo(word.ToUpperInvariant()));
        }
        await call.RequestStream.CompleteAsync();
        Assert.That(await call.ResponseStream.MoveNext(), Is.False);
    }

    [Test]
    public async Task Deadline_Passed_EndsBothSides()
    {
        // On a machine that stalls the time may be over before the call has reached the server.
        for (var seconds = 0.5; !_server.Seen.Arrived.Task.IsCompleted; seconds *= 2)
        {
            var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(seconds);
            using var call = _server.Client.HangAsync(new CallOptions(deadline: deadline));
            var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
            Assert.That(error?.StatusCode, Is.EqualTo(StatusCode.DeadlineExceeded));
        }
        await _server.Seen.UntilCancelled();
        Assert.That(_server.Seen.Deadline, Is.LessThan(DateTime.MaxValue), "none would be the largest date");
    }

    [Test]
    public async Task Deadline_None_IsTheLargestDate()
    {
        await _server.Client.EchoAsync("a");
        Assert.That(_server.Seen.Deadline, Is.EqualTo(DateTime.MaxValue));
    }

    [Test]
    public async Task CancellationToken_Cancelled_EndsBothSides()
    {
        using var source = new CancellationTokenSource();
        using var call = _server.Client.HangAsync(new CallOptions(cancellationToken: source.Token));
        await _server.Seen.UntilArrived();
        await source.CancelAsync();
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.That(error?.StatusCode, Is.EqualTo(StatusCode.Cancelled));
        await _server.Seen.UntilCancelled();
    }

    [Test]
    public async Task Dispose_RunningCall_CancelsIt()
    {
        var call = _server.Client.HangAsync(new CallOptions());
        await _server.Seen.UntilArrived();
        call.Dispose();
        await _server.Seen.UntilCancelled();
        Assert.That(call.GetStatus().StatusCode, Is.EqualTo(StatusCode.Cancelled));
    }

    [Test]
    public void NoChannel_Call_IsRefused() =>
        Assert.Throws<NotSupportedException>(() => new GrpcEchoClient().EchoBlocking("a"));
}
