using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Dapr.Workflow;
using Dapr.Workflow.Replay;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Souk.Tests.Standins;

/// <summary>
/// An instance of one workflow, turn by turn: what the engine keeps of it is written by hand, and each turn
/// is run twice to see that it is a pure function of that.
/// </summary>
internal sealed class Rehearsal
{
    public const string InstanceId = "checkout-1";

    private static readonly ServiceProvider NoServices = new ServiceCollection().BuildServiceProvider();

    private readonly WorkflowRuntimeOptions _registry = new();
    private readonly string? _input;

    private Rehearsal(string? input) => _input = input;

    public List<HistoryEvent> Past { get; } = [];

    public DateTime Now { get; set; } = new(2030, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    public string RunId { get; init; } = "run-1";

    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;

    public static Rehearsal Of<TOutput>(Func<WorkflowContext, Task<TOutput>> code, string runId = "run-1") =>
        Of<string?, TOutput>((context, _) => code(context), null, runId);

    public static Rehearsal Of<TInput, TOutput>(
        Func<WorkflowContext, TInput, Task<TOutput>> code,
        string? input,
        string runId = "run-1",
        ILoggerFactory? loggers = null
    )
    {
        var rehearsal = new Rehearsal(input)
        {
            RunId = runId,
            Loggers = loggers ?? NullLoggerFactory.Instance,
        };
        rehearsal._registry.RegisterWorkflow("Checkout", code);
        return rehearsal;
    }

    /// <summary>
    /// The same history in front of other code: what a deployment does to a running instance.
    /// </summary>
    public Rehearsal ContinuedBy<TOutput>(Func<WorkflowContext, Task<TOutput>> code)
    {
        var other = Of(code, RunId);
        other.Past.AddRange(Past);
        other.Now = Now;
        return other;
    }

    /// <summary>The first turn.</summary>
    public WorkflowResponse Start(params HistoryEvent[] alsoArrived) =>
        Turn([Happens.Started("Checkout", _input), .. alsoArrived]);

    public WorkflowResponse Turn(params HistoryEvent[] inbox)
    {
        var request = new WorkflowRequest { InstanceId = InstanceId, ExecutionId = RunId };
        request.PastEvents.AddRange(Past);
        request.NewEvents.Add(Happens.TurnStarted(Now));
        request.NewEvents.AddRange(inbox);

        var answer = Run(request);
        Assert.That(Run(request), Is.EqualTo(answer), "a turn must be a pure function of its request");

        Past.AddRange(request.NewEvents);
        Past.AddRange(answer.Actions.Select(Happens.Taken).OfType<HistoryEvent>());
        Now = Now.AddSeconds(1);
        return answer;
    }

    private WorkflowResponse Run(WorkflowRequest request)
    {
        var environment = new TurnEnvironment(_registry, new JsonDaprSerializer(), Loggers);
        return WorkflowTurn.Run(request, request.PastEvents, environment, NoServices);
    }
}

internal static class Answers
{
    /// <summary>The outcome of a turn that ends the run; fails when it does not.</summary>
    public static CompleteWorkflowAction Outcome(this WorkflowResponse answer) =>
        answer.Actions.Single(action => action.CompleteWorkflow is not null).CompleteWorkflow;

    /// <summary>What the turn asks for, as "id:kind name".</summary>
    public static string[] Asked(this WorkflowResponse answer) =>
        [
            .. answer.Actions.Select(action =>
                action.WorkflowActionTypeCase switch
                {
                    WorkflowAction.WorkflowActionTypeOneofCase.ScheduleTask =>
                        $"{action.Id}:activity {action.ScheduleTask.Name}",
                    WorkflowAction.WorkflowActionTypeOneofCase.CreateTimer => $"{action.Id}:timer",
                    WorkflowAction.WorkflowActionTypeOneofCase.CreateChildWorkflow =>
                        $"{action.Id}:child {action.CreateChildWorkflow.Name}",
                    WorkflowAction.WorkflowActionTypeOneofCase.SendEvent =>
                        $"{action.Id}:event {action.SendEvent.Name}",
                    WorkflowAction.WorkflowActionTypeOneofCase.CompleteWorkflow =>
                        $"{action.Id}:{action.CompleteWorkflow.WorkflowStatus}",
                    _ => $"{action.Id}:?",
                }
            ),
        ];
}
