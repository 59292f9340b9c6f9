using System.Diagnostics;
using Grpc.Core;
using Npgsql;
using Souk.Probe.V1;
using Souk.Shared;

namespace Souk.Tests.Shared;

/// <summary>A service with nothing but the shared library's habits.</summary>
internal sealed class ProbeService(Db db, RequestIds requests, Outbox outbox, Mesh mesh, ProbeFaults faults)
    : Souk.Probe.V1.ProbeService.ProbeServiceBase
{
    internal static void Configure(ServiceBuilder service) =>
        service.Service<ProbeService>().Events<ProbeEvents>().Singleton<ProbeFaults>();

    public override Task<ProbeReply> Open(ProbeRequest request, ServerCallContext context) =>
        Echo(request, context);

    public override Task<ProbeReply> ForAnybody(ProbeRequest request, ServerCallContext context) =>
        Echo(request, context);

    public override Task<ProbeReply> ForOperators(ProbeRequest request, ServerCallContext context) =>
        Echo(request, context);

    public override Task<ProbeReply> Undeclared(ProbeRequest request, ServerCallContext context) =>
        Echo(request, context);

    public override Task<CountReply> Count(CountRequest request, ServerCallContext context) =>
        requests.RunAsync(
            request,
            context,
            async tx =>
            {
                var value = await tx.ScalarAsync<long>(
                    CountSql,
                    [request.Counter, request.By],
                    tx.CancellationToken
                );
                outbox.Add(tx, "counted", new Counted { Counter = request.Counter, Value = value });
                return request.FailWith switch
                {
                    "" => new CountReply { Value = value },
                    "precondition" => throw Fault.FailedPrecondition(ProbeReason.TooMany, "as asked"),
                    _ => throw Fault.Unavailable(ProbeReason.TooMany, "as asked"),
                };
            },
            request.FailWith.Length > 0 ? Replay.AnswersAndErrors : Replay.Answers
        );

    internal const string CountSql = """
        insert into counter (name, value) values ($1, $2)
            on conflict (name) do update set value = counter.value + excluded.value returning value
        """;

    public override async Task<ProbeReply> Fail(FailRequest request, ServerCallContext context)
    {
        switch (request.How)
        {
            case "bug":
                throw new InvalidOperationException("a secret that must not leave");
            case "database away":
                await using (var gone = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=x;Timeout=1"))
                    await gone.OpenConnectionAsync(context.CancellationToken);
                break;
            case "slow query":
                await db.ExecuteAsync("select pg_sleep(30)", [], context.CancellationToken);
                break;
            case "hold":
                await faults.HoldAsync();
                break;
            case "flaky":
                if (faults.TakeOne())
                    throw Fault.Unavailable(ProbeReason.TooMany, "as asked");
                break;
        }
        return new ProbeReply();
    }

    public override async Task<ProbeReply> Relay(RelayRequest request, ServerCallContext context)
    {
        var other = mesh.Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("other");
        if (request.How.Length > 0)
        {
            var fail = new FailRequest { How = request.How };
            var seconds = request.How == "slow query" ? 0.3 : 60;
            return await other.FailAsync(fail, Mesh.Call(context, TimeSpan.FromSeconds(seconds)));
        }
        var options = request.AsService
            ? await mesh.AsServiceAsync(TimeSpan.FromSeconds(60), context.CancellationToken)
            : Mesh.Call(context, TimeSpan.FromSeconds(60));
        return await other.ForAnybodyAsync(new ProbeRequest(), options);
    }

    public override async Task Talk(
        IAsyncStreamReader<ProbeRequest> requestStream,
        IServerStreamWriter<ProbeReply> responseStream,
        ServerCallContext context
    )
    {
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
            await responseStream.WriteAsync(await Echo(request, context));
    }

    public override async Task<ProbeReply> Collect(
        IAsyncStreamReader<ProbeRequest> requestStream,
        ServerCallContext context
    )
    {
        var last = new ProbeRequest();
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
            last = request;
        return await Echo(last, context);
    }

    public override async Task Watch(
        ProbeRequest request,
        IServerStreamWriter<ProbeReply> responseStream,
        ServerCallContext context
    ) => await responseStream.WriteAsync(await Echo(request, context), context.CancellationToken);

    private static Task<ProbeReply> Echo(ProbeRequest request, ServerCallContext context) =>
        Task.FromResult(
            new ProbeReply
            {
                Caller = Caller.Of(context).UserId,
                Seen = request,
                TraceId = Activity.Current?.TraceId.ToHexString() ?? "",
            }
        );
}

/// <summary>How many more times "flaky" fails.</summary>
internal sealed class ProbeFaults
{
    private int _left;

    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal void Next(int count) => _left = count;

    /// <summary>Completes once a call waits in "hold".</summary>
    internal Task Held => _held.Task;

    internal void Release() => _released.SetResult();

    internal Task HoldAsync()
    {
        _held.TrySetResult();
        return _released.Task;
    }

    internal bool TakeOne() => Interlocked.Decrement(ref _left) >= 0;
}

/// <summary>Adds up what others counted; a negative value is a failure, once or for ever.</summary>
internal sealed class ProbeEvents(ProbeFaults faults) : IEventHandlers
{
    public void Subscribe(EventMap on) => on.On<Counted>("counted", OnCountedAsync);

    private async Task OnCountedAsync(Counted counted, EventContext context)
    {
        foreach (var name in new[] { $"heard {counted.Counter}", $"trace {Activity.Current?.TraceId}" })
            await context.Tx.ScalarAsync<long>(ProbeService.CountSql, [name, 1L], context.CancellationToken);
        if (faults.TakeOne())
            throw Fault.Unavailable(ProbeReason.TooMany, "as asked");
    }
}
