using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>The names that Dapr's own API gives to the states of a workflow.</summary>
internal static class StatusNames
{
    public static string Of(OrchestrationStatus status) =>
        status switch
        {
            OrchestrationStatus.Running => "RUNNING",
            OrchestrationStatus.Completed => "COMPLETED",
            OrchestrationStatus.ContinuedAsNew => "CONTINUED_AS_NEW",
            OrchestrationStatus.Failed => "FAILED",
            OrchestrationStatus.Canceled => "CANCELED",
            OrchestrationStatus.Terminated => "TERMINATED",
            OrchestrationStatus.Pending => "PENDING",
            OrchestrationStatus.Suspended => "SUSPENDED",
            OrchestrationStatus.Stalled => "STALLED",
            _ => "UNKNOWN",
        };

    public static bool IsTerminal(OrchestrationStatus status) =>
        status
            is OrchestrationStatus.Completed
                or OrchestrationStatus.Failed
                or OrchestrationStatus.Canceled
                or OrchestrationStatus.Terminated;
}
