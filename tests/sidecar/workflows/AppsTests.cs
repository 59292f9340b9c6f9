using Dapr.DurableTask.Protobuf;
using Grpc.Net.Client;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>Workflows through whole sidecars: those of two apps that work for each other, and their
/// limits.</summary>
internal sealed class AppsTests : SidecarFixture
{
    private const int BodyLimit = 1024 * 1024;
    private Func<string, GrpcChannel> _channelOf = null!;

    [SetUp]
    public async Task Start()
    {
        var database = Own(await SidecarDatabase.CreateAsync());
        var store = Yaml.PostgresState(database.Address, metadata: Yaml.Item("actorStateStore", "true"));
        _channelOf = Own(await TestSidecar.StartAsync(store, App("shop"), App("annex"))).Channel;
    }

    [Test]
    public async Task ScheduleTask_TargetAppGiven_RunsOnThatAppsWorker()
    {
        var task = Replay.Task(0, "pack", "box");
        task.Router = new() { SourceAppID = "shop", TargetAppID = "annex" };
        await using var shop = await ConnectAsync(
            "shop",
            replay => [replay.IsDone(0) ? Replay.Done(replay.ResultOf(0)) : task]
        );
        shop.Activities["pack"] = _ => Task.FromResult<string?>("packed at home");
        await using var annex = await ConnectAsync("annex", _ => []);
        annex.Activities["pack"] = request => Task.FromResult<string?>($"{request.Input} packed next door");
        var ended = await RunAsync();
        Assert.That((ended.WorkflowStatus, ended.Output), Is.EqualTo((Completed, "box packed next door")));
        var history = await Client("shop").GetInstanceHistoryAsync(new() { InstanceId = "order" });
        var scheduled = history.Events.Single(e => e.TaskScheduled is not null);
        Assert.That(scheduled.Router.TargetAppID, Is.EqualTo("annex"));
    }

    [Test]
    public async Task CreateChildWorkflow_TargetAppGiven_IsAnInstanceOfThatApp()
    {
        var child = Replay.Child(0, "work", "box", "parcel");
        child.CreateChildWorkflow.Router = new() { SourceAppID = "shop", TargetAppID = "annex" };
        await using var shop = await ConnectAsync(
            "shop",
            replay => [replay.ChildResultOf(0) is { } sent ? Replay.Done(sent) : child]
        );
        await using var annex = await ConnectAsync(
            "annex",
            replay => [Replay.Done($"{replay.Input} sent for {replay.Started.ParentInstance.AppID}")]
        );
        var ended = await RunAsync();
        Assert.That((ended.WorkflowStatus, ended.Output), Is.EqualTo((Completed, "box sent for shop")));
        var there = await Client("annex").GetInstanceAsync(new() { InstanceId = "parcel" });
        var here = await Client("shop").GetInstanceAsync(new() { InstanceId = "parcel" });
        Assert.That((there.Exists, here.Exists), Is.EqualTo((true, false)));
    }

    [TestCase(95, OrchestrationStatus.Stalled)]
    [TestCase(250, OrchestrationStatus.Stalled)]
    [TestCase(90, OrchestrationStatus.Completed)]
    public async Task CompleteWorkflowTask_AnswerOfSomeSize_StallsBeyondAMessage(
        int percent,
        OrchestrationStatus status
    )
    {
        await using (
            await ConnectAsync("shop", _ => [Replay.Done(new string('x', BodyLimit / 100 * percent))])
        )
        {
            await StartAsync();
            await Eventually.ThatAsync(
                async () => (await StateAsync()).WorkflowStatus == status,
                $"{status}"
            );
        }
        if (status == Completed)
            return;
        // It waits for a worker that says less.
        await using var worker = await ConnectAsync("shop", _ => [Replay.Done("in short")]);
        Assert.That((await EndAsync()).Output, Is.EqualTo("in short"));
    }

    [Test]
    public async Task RaiseEvent_LargerThanAMessage_IsRefused()
    {
        await StartAsync();
        var paid = new RaiseEventRequest
        {
            InstanceId = "order",
            Name = "paid",
            Input = new string('x', BodyLimit + 1),
        };
        var failure = await DaprFailure.OfAsync(async () => await Client("shop").RaiseEventAsync(paid));
        Assert.That(failure.Code, Is.EqualTo(Grpc.Core.StatusCode.ResourceExhausted));
    }

    private const OrchestrationStatus Completed = OrchestrationStatus.Completed;

    private static AppSpec App(string id) => TestSidecar.App(id) with { MaxBodyBytes = BodyLimit };

    private TaskHubSidecarService.TaskHubSidecarServiceClient Client(string app) => new(_channelOf(app));

    private Task<ProtocolWorker> ConnectAsync(
        string app,
        Func<Replay, IEnumerable<WorkflowAction>> workflow
    ) => ProtocolWorker.ConnectAsync(_channelOf(app), worker => worker.Workflows["work"] = workflow);

    private async Task<WorkflowState> RunAsync()
    {
        await StartAsync();
        return await EndAsync();
    }

    private async Task StartAsync() =>
        await Client("shop")
            .StartInstanceAsync(
                new()
                {
                    InstanceId = "order",
                    Name = "work",
                    ScheduledStartTimestamp = new(),
                }
            );

    private async Task<WorkflowState> StateAsync() =>
        (await Client("shop").GetInstanceAsync(new() { InstanceId = "order" })).WorkflowState;

    private async Task<WorkflowState> EndAsync()
    {
        var ended = await Client("shop")
            .WaitForInstanceCompletionAsync(
                new() { InstanceId = "order", GetInputsAndOutputs = true },
                deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(2)
            );
        return ended.WorkflowState;
    }
}
