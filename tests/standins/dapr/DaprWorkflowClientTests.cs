using System.Diagnostics;
using Dapr.DurableTask.Protobuf;
using Dapr.Workflow;
using Dapr.Workflow.Client;
using Dapr.Workflow.Registration;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Protocol = Dapr.DurableTask.Protobuf;

namespace Souk.Tests.Standins;

public sealed class DaprWorkflowClientTests
{
    private FakeEngine _engine = null!;
    private LoopbackApp _sidecar = null!;
    private DaprWorkflowClient _client = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _engine = new FakeEngine();
        _sidecar = await LoopbackApp.StartAsync(_engine);
        _client = new DaprWorkflowClientBuilder().UseGrpcEndpoint(_sidecar.GrpcEndpoint).Build();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _client.DisposeAsync();
        await _sidecar.DisposeAsync();
    }

    [Test]
    public async Task Schedule_Everything_IsSent()
    {
        var start = new DateTimeOffset(2030, 1, 1, 12, 0, 0, TimeSpan.FromHours(2));
        using var trace = new Activity("request").Start();

        var id = await _client.ScheduleNewWorkflowAsync("Checkout", "c1", new { Total = 5 }, start);

        Assert.That(id, Is.EqualTo("c1"));
        var expected = new CreateInstanceRequest
        {
            InstanceId = "c1",
            Name = "Checkout",
            Input = """{"total":5}""",
            ScheduledStartTimestamp = Timestamp.FromDateTimeOffset(start),
            ParentTraceContext = new TraceContext
            {
                TraceParent = trace.Id,
                SpanID = trace.SpanId.ToHexString(),
            },
        };
        Assert.That(_engine.Created.Single(), Is.EqualTo(expected));
    }

    [Test]
    public async Task Schedule_NoId_MakesOne()
    {
        var id = await _client.ScheduleNewWorkflowAsync("Checkout");

        Assert.That(id, Is.Not.Empty);
        Assert.That(_engine.Created.Single().ScheduledStartTimestamp, Is.Null);
    }

    [Test]
    public void Schedule_IdInUse_IsAlreadyExists()
    {
        _engine.Refusals.Enqueue(
            new Status(StatusCode.AlreadyExists, "an active workflow with ID 'c1' already exists")
        );

        Assert.That(
            () => _client.ScheduleNewWorkflowAsync("Checkout", "c1"),
            Throws.TypeOf<RpcException>().With.Property("StatusCode").EqualTo(StatusCode.AlreadyExists)
        );
    }

    [Test]
    public async Task GetState_Unknown_DoesNotExist()
    {
        var state = await _client.GetWorkflowStateAsync("c1");

        Assert.That(state.Exists, Is.False);
        Assert.That(state.RuntimeStatus, Is.EqualTo(WorkflowRuntimeStatus.Unknown));
        Assert.That(state.ReadOutputAs<int>(), Is.Zero);
    }

    [Test]
    public async Task WaitForCompletion_SidecarAwayForAMoment_AsksAgain()
    {
        _engine.Refusals.Enqueue(new Status(StatusCode.Unavailable, "restarting"));
        _engine.Instance = new GetInstanceResponse
        {
            Exists = true,
            WorkflowState = new Protocol.WorkflowState
            {
                Name = "Checkout",
                WorkflowStatus = OrchestrationStatus.Failed,
                Input = "1",
                Output = "2",
                CustomStatus = "\"held\"",
                FailureDetails = new TaskFailureDetails { ErrorType = "T", ErrorMessage = "M" },
            },
        };

        var state = await _client.WaitForWorkflowCompletionAsync("c1");

        Assert.That(state.RuntimeStatus, Is.EqualTo(WorkflowRuntimeStatus.Failed));
        Assert.That((state.IsWorkflowCompleted, state.IsWorkflowRunning), Is.EqualTo((true, false)));
        Assert.That((state.ReadInputAs<int>(), state.ReadOutputAs<int>()), Is.EqualTo((1, 2)));
        Assert.That(state.ReadCustomStatusAs<string>(), Is.EqualTo("held"));
        Assert.That(state.FailureDetails?.ErrorMessage, Is.EqualTo("M"));
    }

    [Test]
    public async Task RaiseEvent_Payload_IsJson()
    {
        await _client.RaiseEventAsync("c1", "paid", new { Amount = 5 });

        var expected = new RaiseEventRequest
        {
            InstanceId = "c1",
            Name = "paid",
            Input = """{"amount":5}""",
        };
        Assert.That(_engine.Raised.Single(), Is.EqualTo(expected));
    }

    [Test]
    public async Task Purge_Known_IsTrue() => Assert.That(await _client.PurgeInstanceAsync("c1"), Is.True);

    [Test]
    public async Task ListInstanceIds_Page_CarriesItsToken()
    {
        var page = await _client.ListInstanceIdsAsync("here", 10);
        Assert.That(page.InstanceIds, Is.EqualTo(new[] { "page of 10 after here" }));
        Assert.That(page.ContinuationToken, Is.EqualTo("next"));
    }

    [Test]
    public async Task GetHistory_Events_AreNamed()
    {
        _engine.History.Add(Happens.Started("Checkout", null));
        _engine.History.Add(Happens.Fired(1));

        var history = await _client.GetInstanceHistoryAsync("c1");
        Assert.That(
            history.Select(happened => happened.EventType),
            Is.EqualTo(
                new[] { WorkflowHistoryEventType.ExecutionStarted, WorkflowHistoryEventType.TimerFired }
            )
        );
    }
}
