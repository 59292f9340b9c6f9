using Dapr.DurableTask.Protobuf;

namespace Dapr.Workflow.Replay;

/// <summary>Exceptions as the protocol carries them, and back.</summary>
internal static class Failures
{
    // Bounds a chain of inner exceptions: the wire has a size limit and nobody reads the twentieth cause.
    private const int DepthMax = 8;

    internal static TaskFailureDetails Of(Exception exception) => Of(exception, DepthMax);

    internal static TaskFailureDetails Of(string errorType, string message) =>
        new() { ErrorType = errorType, ErrorMessage = message };

    /// <summary>What a workflow catches when one of its steps failed.</summary>
    internal static WorkflowTaskFailedException Caught(string step, TaskFailureDetails? failure)
    {
        var details = new WorkflowTaskFailureDetails(
            failure?.ErrorType ?? typeof(Exception).FullName ?? nameof(Exception),
            failure?.ErrorMessage ?? "no details were given",
            failure?.StackTrace
        )
        {
            IsNonRetriable = failure?.IsNonRetriable ?? false,
        };
        return new WorkflowTaskFailedException($"'{step}' failed: {details.ErrorMessage}", details);
    }

    private static TaskFailureDetails Of(Exception exception, int depth)
    {
        var failure = new TaskFailureDetails
        {
            ErrorType = exception.GetType().FullName ?? exception.GetType().Name,
            ErrorMessage = exception.Message,
            StackTrace = exception.StackTrace,
        };
        if (exception is WorkflowTaskFailedException { FailureDetails: var step })
            failure.InnerFailure = new TaskFailureDetails
            {
                ErrorType = step.ErrorType,
                ErrorMessage = step.ErrorMessage,
                StackTrace = step.StackTrace,
                IsNonRetriable = step.IsNonRetriable,
            };
        else if (exception.InnerException is { } inner && depth > 1)
            failure.InnerFailure = Of(inner, depth - 1);
        return failure;
    }
}
