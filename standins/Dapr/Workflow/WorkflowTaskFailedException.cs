namespace Dapr.Workflow;

/// <summary>A step of the workflow failed, after its retries if it had any.</summary>
public class WorkflowTaskFailedException : Exception
{
    /// <summary>Wraps what is known about the failure.</summary>
    public WorkflowTaskFailedException(string message, WorkflowTaskFailureDetails failureDetails)
        : base(message)
    {
        ArgumentNullException.ThrowIfNull(failureDetails);
        FailureDetails = failureDetails;
    }

    /// <summary>What the step threw.</summary>
    public WorkflowTaskFailureDetails FailureDetails { get; }
}
