using Dapr.Client.Autogen.Grpc.v1;
using Dapr.DurableTask.Protobuf;
using Google.Protobuf;
using Grpc.Core;
using Souk.Sidecar.Workflows;
using Souk.Tests.Harness;
using DaprClient = Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>The workflow methods of the runtime API over gRPC: other errors than the workflow
/// protocol's.</summary>
internal sealed class BetaTests() : WorkflowFixture(takesGiven: true)
{
    private ProtocolWorker _worker = null!;

    private DaprClient Dapr => new(Runtime.Channel);

    [OneTimeSetUp]
    public async Task Connect() =>
        _worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w => w.Workflows["event"] = r => r.Raised("paid") is [var paid, ..] ? [Replay.Done(paid)] : []
        );

    [OneTimeTearDown]
    public async Task Disconnect() => await _worker.DisposeAsync();

    [Test]
    public async Task StartWorkflowBeta1_ThenEachVerb_ShowsEachState()
    {
        var id = NewId();
        var started = await Dapr.StartWorkflowBeta1Async(
            new()
            {
                InstanceId = id,
                WorkflowName = "event",
                WorkflowComponent = "dapr",
                Input = ByteString.CopyFromUtf8("{\"a\":1}"),
            }
        );
        Assert.That(started.InstanceId, Is.EqualTo(id));
        var named = new WorkflowIdRequest { InstanceId = id, WorkflowComponent = "dapr" };
        await Eventually.ThatAsync(async () => await NameOfStatusAsync(named) == "RUNNING", "it to run");
        await Dapr.PauseWorkflowBeta1Async(named);
        Assert.That(await NameOfStatusAsync(named), Is.EqualTo("SUSPENDED"));
        await Dapr.ResumeWorkflowBeta1Async(named);
        Assert.That(await NameOfStatusAsync(named), Is.EqualTo("RUNNING"));
        await Dapr.RaiseEventWorkflowBeta1Async(
            new()
            {
                InstanceId = id,
                WorkflowComponent = "dapr",
                EventName = "paid",
                EventData = ByteString.CopyFromUtf8("7"),
            }
        );
        await Eventually.ThatAsync(async () => await NameOfStatusAsync(named) == "COMPLETED", "it to end");
        var state = await Dapr.GetWorkflowBeta1Async(named);
        Assert.That(state.WorkflowName, Is.EqualTo("event"));
        Assert.That(state.Properties["dapr.workflow.input"], Is.EqualTo("{\"a\":1}"));
        Assert.That(state.Properties["dapr.workflow.output"], Is.EqualTo("7"));
        await Dapr.PurgeWorkflowBeta1Async(named);
        Assert.That((await Dapr.GetWorkflowAlpha1Async(named)).InstanceId, Is.Empty);
    }

    [Test]
    public async Task StartWorkflowAlpha1_StartTimeOption_WaitsForIt()
    {
        var start = new StartWorkflowRequest { WorkflowName = "event", WorkflowComponent = "dapr" };
        start.Options["dapr.workflow.start_time"] = "2999-01-01T00:00:00Z";
        var id = (await Dapr.StartWorkflowAlpha1Async(start)).InstanceId;
        Assert.That(id, Is.Not.Empty);
        var named = new WorkflowIdRequest { InstanceId = id };
        Assert.That(await NameOfStatusAsync(named), Is.EqualTo("PENDING"));
        await Dapr.TerminateWorkflowBeta1Async(named);
        Assert.That(await NameOfStatusAsync(named), Is.EqualTo("TERMINATED"));
    }

    [Test]
    public async Task GetWorkflowBeta1_Unknown_IsEmptyWhileChangesFail()
    {
        var unknown = new WorkflowIdRequest { InstanceId = NewId() };
        Assert.That((await Dapr.GetWorkflowBeta1Async(unknown)).RuntimeStatus, Is.Empty);
        async Task<StatusCode> CodeOf(Func<AsyncUnaryCall<Google.Protobuf.WellKnownTypes.Empty>> call) =>
            (await StatusOf(() => call().ResponseAsync)).StatusCode;
        Assert.That(
            await CodeOf(() => Dapr.TerminateWorkflowBeta1Async(unknown)),
            Is.EqualTo(StatusCode.NotFound)
        );
        Assert.That(
            await CodeOf(() => Dapr.PurgeWorkflowBeta1Async(unknown)),
            Is.EqualTo(StatusCode.NotFound)
        );
        Assert.That(
            await CodeOf(() => Dapr.PauseWorkflowBeta1Async(unknown)),
            Is.EqualTo(StatusCode.Internal)
        );
        Assert.That(
            await CodeOf(() => Dapr.PauseWorkflowBeta1Async(new())),
            Is.EqualTo(StatusCode.InvalidArgument)
        );
    }

    [Test]
    public void StatusNames_EveryStatus_HasDaprsName() =>
        Assert.That(
            Enum.GetValues<OrchestrationStatus>().Select(StatusNames.Of),
            Is.EqualTo([
                "RUNNING",
                "COMPLETED",
                "CONTINUED_AS_NEW",
                "FAILED",
                "CANCELED",
                "TERMINATED",
                "PENDING",
                "SUSPENDED",
                "STALLED",
            ])
        );

    private async Task<string> NameOfStatusAsync(WorkflowIdRequest named) =>
        (await Dapr.GetWorkflowBeta1Async(named)).RuntimeStatus;
}
