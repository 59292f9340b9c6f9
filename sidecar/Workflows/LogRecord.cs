using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>What a log record does to the run that it belongs to. The numbers are stored.</summary>
internal enum RecordKind : short
{
    /// <summary>A new run of the id: whatever the id held before is gone.</summary>
    Created = 0,

    /// <summary>Events arrived in the inbox.</summary>
    Received = 1,

    /// <summary>A worker's turn: the oldest inbox events and what the turn decided became history.</summary>
    Turned = 2,

    /// <summary>Continue-as-new: history starts again, the events are the new inbox.</summary>
    Restarted = 3,

    /// <summary>The instance and its records are deleted. Never stored.</summary>
    Purged = 4,
}

/// <summary>One step of one run. The state of a run is the fold of its records in order of
/// sequence.</summary>
internal sealed record LogRecord(
    InstanceKey Key,
    long Sequence,
    RecordKind Kind,
    IReadOnlyList<HistoryEvent> Events
)
{
    /// <summary>How many inbox events, oldest first, the turn moved into history.</summary>
    public int Consumed { get; init; }

    /// <summary>The custom status that the turn set; null leaves it as it was.</summary>
    public string? CustomStatus { get; init; }

    /// <summary>The instance's listing entry, given where the record changes it.</summary>
    public InstanceEntry? Entry { get; init; }

    /// <summary>Older records of the instance are of no use once this one is durable.</summary>
    public bool ReplacesOlder => Kind is RecordKind.Created or RecordKind.Restarted or RecordKind.Purged;
}

/// <summary>The listing entry of an instance: what can be asked of all instances without reading their
/// logs.</summary>
internal sealed record InstanceEntry(string Name, DateTimeOffset CreateTime)
{
    public OrchestrationStatus Status { get; init; } = OrchestrationStatus.Running;

    /// <summary>Null while the instance is active.</summary>
    public DateTimeOffset? FinishTime { get; init; }
}
