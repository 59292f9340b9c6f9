namespace Dapr.Workflow;

/// <summary>How an activity is called.</summary>
/// <param name="RetryPolicy">Whether and when a failure is tried again.</param>
/// <param name="TargetAppId">Another app whose worker runs it.</param>
public record WorkflowTaskOptions(WorkflowRetryPolicy? RetryPolicy = null, string? TargetAppId = null);

/// <summary>How a child workflow is called.</summary>
/// <param name="InstanceId">Its id; made up when absent.</param>
/// <param name="RetryPolicy">Whether and when a failure is tried again.</param>
/// <param name="TargetAppId">Another app whose worker runs it.</param>
public record ChildWorkflowTaskOptions(
    string? InstanceId = null,
    WorkflowRetryPolicy? RetryPolicy = null,
    string? TargetAppId = null
) : WorkflowTaskOptions(RetryPolicy, TargetAppId);
