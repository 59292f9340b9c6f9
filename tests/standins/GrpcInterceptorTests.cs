using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Souk.Tests.Standins;

[TestFixture]
public sealed class GrpcInterceptorTests
{
    [Test]
    public async Task Client_SeveralInterceptors_RunInTheOrderGiven()
    {
        await using var server = await GrpcServer.StartAsync();
        var log = new ConcurrentQueue<string>();
        var invoker = server.Channel.Intercept(new Recorder("a", log), new Recorder("b", log));
        await CallEachKind(new GrpcEchoClient(invoker));
        Assert.That(
            log,
            Is.EqualTo(
                new[]
                {
                    "a:blocking",
                    "b:blocking",
                    "a:unary",
                    "b:unary",
                    "a:join",
                    "b:join",
                    "a:count",
                    "b:count",
                    "a:shout",
                    "b:shout",
                }
            )
        );
    }

    [Test]
    public async Task Client_InterceptedTwice_LastAddedRunsFirst()
    {
        await using var server = await GrpcServer.StartAsync();
        var log = new ConcurrentQueue<string>();
        var invoker = server.Channel.CreateCallInvoker();
        invoker = invoker.Intercept(new Recorder("inner", log)).Intercept(new Recorder("outer", log));
        await new GrpcEchoClient(invoker).EchoAsync("x");
        Assert.That(log, Is.EqualTo(new[] { "outer:unary", "inner:unary" }));
    }

    [Test]
    public async Task Client_WithHost_ReachesInterceptor()
    {
        await using var server = await GrpcServer.StartAsync();
        var log = new ConcurrentQueue<string>();
        // The real client itself ignores the host, so an interceptor is where it can be seen.
        var client = new GrpcEchoClient(server.Channel.Intercept(new HostRecorder(log)));
        await client.WithHost("shop.example").EchoAsync("a");
        await client.EchoAsync("a");
        Assert.That(log, Is.EqualTo(new[] { "shop.example", "none" }));
    }

    [Test]
    public async Task Client_MetadataFunction_AddsHeaders()
    {
        await using var server = await GrpcServer.StartAsync();
        var invoker = server.Channel.Intercept(headers =>
        {
            headers.Add("x-added", "yes");
            return headers;
        });
        var client = new GrpcEchoClient(invoker);
        await CallEachKind(client);
        await client.EchoAsync("a", new CallOptions(new Metadata { { "x-own", "too" } }));
        Assert.That(server.Seen.RequestHeaders?.GetValue("x-added"), Is.EqualTo("yes"));
        Assert.That(server.Seen.RequestHeaders?.GetValue("x-own"), Is.EqualTo("too"));
    }

    [Test]
    public async Task Client_CallCredentials_AddHeadersInOrder()
    {
        await using var server = await GrpcServer.StartAsync(channelOptions: channel =>
            channel.UnsafeUseInsecureChannelCallCredentials = true
        );
        var credentials = CallCredentials.Compose(Adding("x-first"), Adding("x-second"));
        await server.Client.EchoAsync("a", new CallOptions(credentials: credentials));
        var keys = server
            .Seen.RequestHeaders?.Select(e => e.Key)
            .Where(k => k.StartsWith("x-", StringComparison.Ordinal));
        Assert.That(keys, Is.EqualTo(new[] { "x-first", "x-second" }));
        Assert.That(server.Seen.RequestHeaders?.GetValue("x-first"), Is.EqualTo("Echo"));

        static CallCredentials Adding(string key) =>
            CallCredentials.FromInterceptor(
                (context, metadata) =>
                {
                    metadata.Add(key, context.MethodName);
                    return Task.CompletedTask;
                }
            );
    }

    [Test]
    public async Task Server_EveryKindOfCall_GoesThroughInterceptor()
    {
        var log = new ConcurrentQueue<string>();
        await using var server = await GrpcServer.StartAsync(options =>
            options.Interceptors.Add<Recorder>("server", log)
        );
        await CallEachKind(server.Client);
        Assert.That(
            log,
            Is.EqualTo(
                new[]
                {
                    "server:/souk.test.Echo/Echo",
                    "server:/souk.test.Echo/Echo",
                    "server:/souk.test.Echo/Join",
                    "server:/souk.test.Echo/Count",
                    "server:/souk.test.Echo/Shout",
                }
            )
        );
    }

    [Test]
    public async Task Server_InterceptorThrows_CallerGetsItsStatus()
    {
        await using var server = await GrpcServer.StartAsync(options => options.Interceptors.Add<Bouncer>());
        var error = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.EchoAsync("a"));
        Assert.That(error?.StatusCode, Is.EqualTo(StatusCode.PermissionDenied));
    }

    private static async Task CallEachKind(GrpcEchoClient client)
    {
        client.EchoBlocking("x");
        await client.EchoAsync("x");
        using var join = client.Join();
        await join.RequestStream.CompleteAsync();
        await join;
        using var count = client.Count(1);
        while (await count.ResponseStream.MoveNext()) { }
        using var shout = client.Shout();
        await shout.RequestStream.CompleteAsync();
        Assert.That(await shout.ResponseStream.MoveNext(), Is.False);
    }

    private sealed class Bouncer : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request,
            ServerCallContext context,
            UnaryServerMethod<TRequest, TResponse> continuation
        ) => throw new RpcException(new Status(StatusCode.PermissionDenied, "not today"));
    }

    private sealed class HostRecorder(ConcurrentQueue<string> log) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation
        )
        {
            log.Enqueue(context.Host ?? "none");
            return continuation(request, context);
        }
    }

    private sealed class Recorder(string name, ConcurrentQueue<string> log) : Interceptor
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            BlockingUnaryCallContinuation<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:blocking");
            return base.BlockingUnaryCall(request, context, continuation);
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:unary");
            return base.AsyncUnaryCall(request, context, continuation);
        }

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<
            TRequest,
            TResponse
        >(
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:join");
            return base.AsyncClientStreamingCall(context, continuation);
        }

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:count");
            return base.AsyncServerStreamingCall(request, context, continuation);
        }

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<
            TRequest,
            TResponse
        >(
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:shout");
            return base.AsyncDuplexStreamingCall(context, continuation);
        }

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request,
            ServerCallContext context,
            UnaryServerMethod<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:{context.Method}");
            return base.UnaryServerHandler(request, context, continuation);
        }

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream,
            ServerCallContext context,
            ClientStreamingServerMethod<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:{context.Method}");
            return base.ClientStreamingServerHandler(requestStream, context, continuation);
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request,
            IServerStreamWriter<TResponse> responseStream,
            ServerCallContext context,
            ServerStreamingServerMethod<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:{context.Method}");
            return base.ServerStreamingServerHandler(request, responseStream, context, continuation);
        }

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream,
            IServerStreamWriter<TResponse> responseStream,
            ServerCallContext context,
            DuplexStreamingServerMethod<TRequest, TResponse> continuation
        )
        {
            log.Enqueue($"{name}:{context.Method}");
            return base.DuplexStreamingServerHandler(requestStream, responseStream, context, continuation);
        }
    }
}
