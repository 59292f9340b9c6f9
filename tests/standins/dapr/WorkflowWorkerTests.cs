using System.Diagnostics;
using Dapr.DurableTask.Protobuf;
using Dapr.Workflow;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Souk.Tests.Standins;

[Description("K12")]
public sealed class WorkflowWorkerTests
{
    private FakeEngine _engine = null!;
    private LoopbackApp _sidecar = null!;
    private IHost? _worker;

    [SetUp]
    public async Task StartAsync()
    {
        _engine = new FakeEngine();
        _sidecar = await LoopbackApp.StartAsync(_engine);
    }

    [TearDown]
    public async Task StopAsync()
    {
        _worker?.Dispose();
        await _sidecar.DisposeAsync();
    }

    [Test]
    public async Task Turn_Arrives_IsAnsweredWithItsToken()
    {
        await WorkAsync(options => options.RegisterWorkflow<Greeting>());
        _engine.Send(FakeEngine.Turn("w1", "token-1", Happens.Started("greeting", "\"ann\"")));

        var answer = await _engine.TurnAsync();
        Assert.That(answer.InstanceId, Is.EqualTo("w1"));
        Assert.That(answer.CompletionToken, Is.EqualTo("token-1"));
        Assert.That(answer.Outcome().Result, Is.EqualTo("\"hello ann\""));
    }

    [Test]
    public async Task Turn_HistoryLeftOut_IsFetched()
    {
        await WorkAsync(options =>
            options.RegisterWorkflow<string, int>(
                "Pay",
                (context, _) => context.CallActivityAsync<int>("Capture")
            )
        );
        _engine.History.Add(Happens.TurnStarted(DateTime.UnixEpoch));
        _engine.History.Add(Happens.Started("Pay", null));
        var item = FakeEngine.Turn("w1", "token-1", Happens.Completed(0, "5"));
        item.WorkflowRequest.RequiresHistoryStreaming = true;
        _engine.Send(item);

        Assert.That((await _engine.TurnAsync()).Outcome().Result, Is.EqualTo("5"));
    }

    [Test]
    public async Task Activity_Arrives_RunsInAScopeOfItsOwn()
    {
        await WorkAsync(
            options => options.RegisterActivity<Counting>(),
            services => services.AddScoped<PerCall>()
        );
        _engine.Send(FakeEngine.Activity("counting", "3", "token-1", id: 4));
        _engine.Send(FakeEngine.Activity("counting", "3", "token-2", id: 5));

        foreach (var answer in new[] { await _engine.ActivityAsync(), await _engine.ActivityAsync() })
        {
            Assert.That(answer.Result, Is.EqualTo("\"3 w1 key-1 1\""));
            Assert.That(answer.CompletionToken, Is.EqualTo(answer.TaskId == 4 ? "token-1" : "token-2"));
        }
    }

    [Test]
    public async Task Activity_Throws_ReportsWhat()
    {
        await WorkAsync(options =>
            options.RegisterActivity<int, int>("Capture", (_, _) => throw new IOException("card reader"))
        );
        _engine.Send(FakeEngine.Activity("Capture", "1", "token-1"));

        var failure = (await _engine.ActivityAsync()).FailureDetails;
        Assert.That(
            (failure.ErrorType, failure.ErrorMessage),
            Is.EqualTo(("System.IO.IOException", "card reader"))
        );
    }

    [Test]
    public async Task Activity_Unknown_ReportsThat()
    {
        await WorkAsync(options => options.RegisterWorkflow<Greeting>());
        _engine.Send(FakeEngine.Activity("Nobody", null, "token-1"));

        var failure = (await _engine.ActivityAsync()).FailureDetails;
        Assert.That(failure.ErrorType, Is.EqualTo("ActivityNotFoundException"));
    }

    [Test]
    public async Task Activity_CalledWithATrace_GoesOnInIt()
    {
        await WorkAsync(options =>
            options.RegisterActivity<int, string?>(
                "Trace",
                (_, _) => Task.FromResult(Activity.Current?.TraceId.ToHexString())
            )
        );
        var item = FakeEngine.Activity("Trace", "0", "token-1");
        item.ActivityRequest.ParentTraceContext = new TraceContext
        {
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        };
        _engine.Send(item);

        Assert.That(
            (await _engine.ActivityAsync()).Result,
            Is.EqualTo("\"0af7651916cd43dd8448eb211c80319c\"")
        );
    }

    [Test]
    public async Task Activities_MoreThanTheBound_WaitForASlot()
    {
        var running = 0;
        var most = 0;
        await WorkAsync(options =>
        {
            options.MaxConcurrentActivities = 2;
            options.RegisterActivity<int, int>(
                "Slow",
                async (_, number) =>
                {
                    var now = Interlocked.Increment(ref running);
                    InterlockedMax(ref most, now);
                    await Task.Delay(20);
                    Interlocked.Decrement(ref running);
                    return number;
                }
            );
        });
        for (var id = 0; id < 8; id++)
            _engine.Send(FakeEngine.Activity("Slow", "1", "token", id));
        for (var id = 0; id < 8; id++)
            await _engine.ActivityAsync();

        Assert.That(most, Is.InRange(1, 2));
    }

    [Test]
    [Description("ORD-08")]
    public async Task Stream_Ends_WorkerComesBack()
    {
        await WorkAsync(options => options.RegisterWorkflow<Greeting>());
        _engine.Hangup();
        await _engine.ConnectionAsync();
        _engine.Send(FakeEngine.Turn("w1", "token-1", Happens.Started("Greeting", "\"ann\"")));

        Assert.That((await _engine.TurnAsync()).Outcome().Result, Is.EqualTo("\"hello ann\""));
    }

    [Test]
    [Description("ORD-08")]
    public async Task Sidecar_Restarts_WorkerComesBack()
    {
        await WorkAsync(options => options.RegisterWorkflow<Greeting>());
        var port = _sidecar.GrpcPort;
        await _sidecar.DisposeAsync();

        _engine = new FakeEngine();
        _sidecar = await LoopbackApp.StartAsync(_engine, grpcPort: port);
        await _engine.ConnectionAsync();
        _engine.Send(FakeEngine.Turn("w1", "token-1", Happens.Started("Greeting", "\"bob\"")));

        Assert.That((await _engine.TurnAsync()).Outcome().Result, Is.EqualTo("\"hello bob\""));
    }

    [Test]
    [Description("ORD-08")]
    public async Task Activity_SentAgainWhileItRuns_RunsOnceAndAnswersWithTheNewToken()
    {
        var runs = 0;
        var release = new TaskCompletionSource();
        await WorkAsync(options =>
            options.RegisterActivity<int, int>(
                "Capture",
                async (_, _) =>
                {
                    await release.Task;
                    return Interlocked.Increment(ref runs);
                }
            )
        );
        _engine.Send(FakeEngine.Activity("Capture", "1", "old"));
        _engine.Hangup();
        await _engine.ConnectionAsync();
        _engine.Send(FakeEngine.Activity("Capture", "1", "new"));
        // A turn behind it shows that the worker has seen the second item.
        _engine.Send(FakeEngine.Turn("w2", "t", Happens.Started("nobody", null)));
        await _engine.TurnAsync();
        release.SetResult();

        var answer = await _engine.ActivityAsync();
        Assert.That((answer.CompletionToken, answer.Result), Is.EqualTo(("new", "1")));
    }

    [TestCase(StatusCode.Internal)]
    [TestCase(StatusCode.Unavailable)]
    [Description("ORD-08")]
    public async Task Answer_EngineInTrouble_IsGivenAgain(StatusCode code)
    {
        await WorkAsync(options => options.RegisterWorkflow<Greeting>());
        _engine.Refusals.Enqueue(new Status(code, "store away"));
        _engine.Refusals.Enqueue(new Status(code, "store away"));
        _engine.Send(FakeEngine.Turn("w1", "token-1", Happens.Started("Greeting", "\"ann\"")));

        Assert.That((await _engine.TurnAsync()).CompletionToken, Is.EqualTo("token-1"));
    }

    [Test]
    public async Task Answer_TooLarge_BecomesAFailureInsteadOfSilence()
    {
        await WorkAsync(options =>
        {
            options.RegisterWorkflow<Greeting>();
            options.RegisterActivity<int, int>("Echo", (_, number) => Task.FromResult(number));
        });
        _engine.Refusals.Enqueue(new Status(StatusCode.ResourceExhausted, "larger than the limit"));
        _engine.Send(FakeEngine.Turn("w1", "token-1", Happens.Started("Greeting", "\"ann\"")));
        var turn = await _engine.TurnAsync();
        Assert.That(turn.Outcome().WorkflowStatus, Is.EqualTo(OrchestrationStatus.Failed));
        Assert.That(turn.CompletionToken, Is.EqualTo("token-1"));

        _engine.Refusals.Enqueue(new Status(StatusCode.ResourceExhausted, "larger than the limit"));
        _engine.Send(FakeEngine.Activity("Echo", "1", "token-2"));
        Assert.That((await _engine.ActivityAsync()).FailureDetails.ErrorMessage, Does.Contain("larger"));
    }

    [Test]
    public async Task Stop_ActivityRuns_IsAnsweredFirst()
    {
        var begun = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await WorkAsync(options =>
            options.RegisterActivity<int, int>(
                "Capture",
                async (_, number) =>
                {
                    begun.SetResult();
                    await release.Task;
                    return number;
                }
            )
        );
        _engine.Send(FakeEngine.Activity("Capture", "1", "token-1"));
        await begun.Task;

        var stopping = _worker!.StopAsync();
        release.SetResult();
        await stopping;

        Assert.That((await _engine.ActivityAsync()).Result, Is.EqualTo("1"));
    }

    private async Task WorkAsync(
        Action<WorkflowRuntimeOptions> register,
        Action<IServiceCollection>? configure = null
    )
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["DAPR_GRPC_ENDPOINT"] = _sidecar.GrpcEndpoint }
        );
        builder.Logging.ClearProviders();
        builder.Services.AddDaprWorkflow(register);
        configure?.Invoke(builder.Services);
        _worker = builder.Build();
        await _worker.StartAsync();
        await _engine.ConnectionAsync();
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value)
            Interlocked.CompareExchange(ref most, value, seen);
    }

    private sealed class Greeting : Workflow<string, string>
    {
        public override Task<string> RunAsync(WorkflowContext context, string input) =>
            Task.FromResult($"hello {input}");
    }

    private sealed class PerCall
    {
        public int Uses { get; set; }
    }

    private sealed class Counting(PerCall perCall) : WorkflowActivity<int, string>
    {
        public override Task<string> RunAsync(WorkflowActivityContext context, int input)
        {
            perCall.Uses++;
            return Task.FromResult($"{input} {context.InstanceId} {context.TaskExecutionKey} {perCall.Uses}");
        }
    }
}
