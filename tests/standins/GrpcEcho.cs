using Grpc.Core;

namespace Souk.Tests.Standins;

/// <summary>
/// A service by hand, in the shape in which generated code comes: methods, base with binding, client.
/// </summary>
internal static class GrpcEcho
{
    public static readonly Method<string, string> Echo = Define(MethodType.Unary, "Echo");
    public static readonly Method<string, string> Fail = Define(MethodType.Unary, "Fail");
    public static readonly Method<string, string> Hang = Define(MethodType.Unary, "Hang");
    public static readonly Method<string, string> Join = Define(MethodType.ClientStreaming, "Join");
    public static readonly Method<string, string> Count = Define(MethodType.ServerStreaming, "Count");
    public static readonly Method<string, string> Shout = Define(MethodType.DuplexStreaming, "Shout");

    private static Method<string, string> Define(MethodType type, string name) =>
        new(type, "souk.test.Echo", name, Marshallers.StringMarshaller, Marshallers.StringMarshaller);
}

[BindServiceMethod(typeof(GrpcEchoBase), nameof(BindService))]
internal abstract class GrpcEchoBase
{
    public abstract Task<string> Echo(string request, ServerCallContext context);
    public abstract Task<string> Fail(string request, ServerCallContext context);
    public abstract Task<string> Hang(string request, ServerCallContext context);
    public abstract Task<string> Join(IAsyncStreamReader<string> requests, ServerCallContext context);
    public abstract Task Count(
        string request,
        IServerStreamWriter<string> responses,
        ServerCallContext context
    );
    public abstract Task Shout(
        IAsyncStreamReader<string> requests,
        IServerStreamWriter<string> responses,
        ServerCallContext context
    );

    public static void BindService(ServiceBinderBase binder, GrpcEchoBase? service)
    {
        // A server binds without an instance and only wants the methods, as it does for generated services.
        binder.AddMethod(
            GrpcEcho.Echo,
            service is null ? null : new UnaryServerMethod<string, string>(service.Echo)
        );
        binder.AddMethod(
            GrpcEcho.Fail,
            service is null ? null : new UnaryServerMethod<string, string>(service.Fail)
        );
        binder.AddMethod(
            GrpcEcho.Hang,
            service is null ? null : new UnaryServerMethod<string, string>(service.Hang)
        );
        binder.AddMethod(
            GrpcEcho.Join,
            service is null ? null : new ClientStreamingServerMethod<string, string>(service.Join)
        );
        binder.AddMethod(
            GrpcEcho.Count,
            service is null ? null : new ServerStreamingServerMethod<string, string>(service.Count)
        );
        binder.AddMethod(
            GrpcEcho.Shout,
            service is null ? null : new DuplexStreamingServerMethod<string, string>(service.Shout)
        );
    }
}

/// <summary>What the server saw of a call, for a test to look at.</summary>
internal sealed class GrpcSeen
{
    public Metadata? RequestHeaders { get; set; }
    public string? RequestEncoding { get; set; }
    public DateTime Deadline { get; set; }
    public TaskCompletionSource Arrived { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // A bound, so that a broken stand-in fails a test instead of hanging the run.
    public Task UntilArrived() => Arrived.Task.WaitAsync(TimeSpan.FromSeconds(90));

    public Task UntilCancelled() => Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(90));
}

internal sealed class GrpcEchoService(GrpcSeen seen) : GrpcEchoBase
{
    public override async Task<string> Echo(string request, ServerCallContext context)
    {
        Look(context);
        var mirrored = new Metadata();
        foreach (
            var entry in context.RequestHeaders.Where(e => e.Key.StartsWith("x-", StringComparison.Ordinal))
        )
        {
            mirrored.Add(entry);
            context.ResponseTrailers.Add(entry);
        }
        await context.WriteResponseHeadersAsync(mirrored);
        return request;
    }

    public override Task<string> Fail(string request, ServerCallContext context) =>
        throw new RpcException(
            new Status(StatusCode.FailedPrecondition, $"cannot {request}"),
            new Metadata { { "reason", "TEST" }, { "detail-bin", [0, 1, 255] } }
        );

    public override async Task<string> Hang(string request, ServerCallContext context)
    {
        Look(context);
        seen.Arrived.TrySetResult();
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
        }
        finally
        {
            seen.Cancelled.TrySetResult();
        }
        return request;
    }

    public override async Task<string> Join(IAsyncStreamReader<string> requests, ServerCallContext context)
    {
        var all = new List<string>();
        await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
            all.Add(request);
        return string.Join(',', all);
    }

    public override async Task Count(
        string request,
        IServerStreamWriter<string> responses,
        ServerCallContext context
    )
    {
        Look(context);
        for (var i = 1; i <= int.Parse(request); i++)
            await responses.WriteAsync($"{i}", context.CancellationToken);
    }

    public override async Task Shout(
        IAsyncStreamReader<string> requests,
        IServerStreamWriter<string> responses,
        ServerCallContext context
    )
    {
        while (await requests.MoveNext())
            await responses.WriteAsync(requests.Current.ToUpperInvariant());
    }

    private void Look(ServerCallContext context)
    {
        seen.RequestHeaders = context.RequestHeaders;
        seen.RequestEncoding = context.GetHttpContext().Request.Headers["grpc-encoding"];
        seen.Deadline = context.Deadline;
    }
}

internal sealed class GrpcEchoClient : ClientBase<GrpcEchoClient>
{
    public GrpcEchoClient(CallInvoker invoker)
        : base(invoker) { }

    public GrpcEchoClient(ChannelBase channel)
        : base(channel) { }

    public GrpcEchoClient() { }

    private GrpcEchoClient(ClientBaseConfiguration configuration)
        : base(configuration) { }

    public string EchoBlocking(string request) =>
        CallInvoker.BlockingUnaryCall(GrpcEcho.Echo, null, new CallOptions(), request);

    public AsyncUnaryCall<string> EchoAsync(string request, CallOptions options = default) =>
        CallInvoker.AsyncUnaryCall(GrpcEcho.Echo, null, options, request);

    public AsyncUnaryCall<string> FailAsync(string request) =>
        CallInvoker.AsyncUnaryCall(GrpcEcho.Fail, null, new CallOptions(), request);

    public AsyncUnaryCall<string> HangAsync(CallOptions options) =>
        CallInvoker.AsyncUnaryCall(GrpcEcho.Hang, null, options, "");

    public AsyncClientStreamingCall<string, string> Join() =>
        CallInvoker.AsyncClientStreamingCall(GrpcEcho.Join, null, new CallOptions());

    public AsyncServerStreamingCall<string> Count(int last, CallOptions options = default) =>
        CallInvoker.AsyncServerStreamingCall(GrpcEcho.Count, null, options, $"{last}");

    public AsyncDuplexStreamingCall<string, string> Shout() =>
        CallInvoker.AsyncDuplexStreamingCall(GrpcEcho.Shout, null, new CallOptions());

    protected override GrpcEchoClient NewInstance(ClientBaseConfiguration configuration) =>
        new(configuration);
}
