using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Microsoft.Extensions.Logging;

namespace Dapr.Workflow.Replay;

/// <summary>
/// What a workflow sees during one turn. Every request of the workflow takes the next id, counted from 0; the
/// history confirms the ones of earlier turns, and what is left is what this turn asks for.
/// </summary>
internal sealed partial class ReplayContext(
    WorkflowRequest request,
    TurnScheduler scheduler,
    IDaprSerializer serializer,
    ILoggerFactory loggers
) : WorkflowContext
{
    private readonly List<Step> _steps = [];
    private readonly Dictionary<int, HistoryEvent> _early = [];
    private Guid? _idSpace;
    private int _guids;
    private int _outstanding;
    private string _name = string.Empty;
    private DateTime _now;

    /// <inheritdoc/>
    public override string Name => _name;

    /// <inheritdoc/>
    public override string InstanceId => request.InstanceId;

    /// <inheritdoc/>
    public override DateTime CurrentUtcDateTime => _now;

    /// <inheritdoc/>
    public override bool IsReplaying => Replaying;

    internal bool Replaying { get; set; } = true;

    internal ExternalEvents Events { get; } = new();

    /// <summary>JSON text of the last status that was set; null when none was.</summary>
    internal string? CustomStatus { get; private set; }

    internal NextRun? Next { get; private set; }

    /// <summary>Whether the workflow waits for anything that the history could complete.</summary>
    internal bool IsWaiting => _outstanding > 0;

    // Two runs of one instance must not make the same ids, so the run's id is part of them where there is
    // one.
    private Guid IdSpace =>
        _idSpace ??= DeterministicGuid.NamespaceOf(
            string.IsNullOrEmpty(request.ExecutionId) ? request.InstanceId : request.ExecutionId
        );

    /// <inheritdoc/>
    public override void SetCustomStatus(object? customStatus)
    {
        RequireTurn();
        CustomStatus = serializer.Write(customStatus) ?? string.Empty;
    }

    /// <inheritdoc/>
    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true)
    {
        RequireTurn();
        Next = new NextRun(serializer.Write(newInput), preserveUnprocessedEvents);
    }

    /// <inheritdoc/>
    public override Guid NewGuid()
    {
        RequireTurn();
        return DeterministicGuid.Create(IdSpace, $"{InstanceId}_{_guids++}");
    }

    /// <inheritdoc/>
    public override ILogger CreateReplaySafeLogger(string categoryName) =>
        new ReplaySafeLogger(this, loggers.CreateLogger(categoryName));

    /// <inheritdoc/>
    public override ILogger CreateReplaySafeLogger(Type type) =>
        new ReplaySafeLogger(this, loggers.CreateLogger(type));

    /// <inheritdoc/>
    public override ILogger CreateReplaySafeLogger<T>() =>
        new ReplaySafeLogger(this, loggers.CreateLogger<T>());

    internal void Begin(string name) => _name = name;

    internal void SetClock(DateTime now) => _now = now;

    private void RequireTurn()
    {
        if (!scheduler.IsCurrent)
            throw new InvalidOperationException(
                "A workflow's context is for the workflow's own code, within its turn. "
                    + "The workflow has waited for something that its context did not give, "
                    + "such as Task.Delay or I/O."
            );
    }

    /// <summary>The run that follows this one.</summary>
    internal sealed record NextRun(string? Input, bool KeepsUnreadEvents);
}
