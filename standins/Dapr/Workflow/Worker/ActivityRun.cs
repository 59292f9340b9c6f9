using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Dapr.Workflow.Abstractions;
using Dapr.Workflow.Replay;
using Microsoft.Extensions.DependencyInjection;

namespace Dapr.Workflow.Worker;

/// <summary>One call of an activity: created in a scope of its own, run, and its end written down.</summary>
internal static class ActivityRun
{
    private const string NotFound = "ActivityNotFoundException";

    internal static async Task<ActivityResponse> RunAsync(
        ActivityRequest request,
        WorkflowRuntimeOptions registry,
        IServiceScopeFactory scopes,
        IDaprSerializer serializer
    )
    {
        var response = new ActivityResponse
        {
            InstanceId = request.WorkflowInstance?.InstanceId ?? string.Empty,
            TaskId = request.TaskId,
        };
        using var trace = Traces.StartActivity(request.Name, request.ParentTraceContext);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            if (registry.CreateActivity(request.Name, scope.ServiceProvider) is not { } activity)
            {
                response.FailureDetails = Failures.Of(
                    NotFound,
                    $"This worker has no activity '{request.Name}'."
                );
                return response;
            }
            var context = new CallContext(request.Name, request.TaskExecutionId, response.InstanceId);
            var input = serializer.Deserialize(request.Input, activity.InputType);
            response.Result = serializer.Write(await activity.RunAsync(context, input));
        }
        catch (Exception failure)
        {
            // Not swallowed: the failure travels to the workflow, which decides what it means.
            response.FailureDetails = Failures.Of(failure);
        }
        return response;
    }

    private sealed class CallContext(string name, string executionKey, string instanceId)
        : WorkflowActivityContext
    {
        public override TaskIdentifier Identifier => name;

        public override string TaskExecutionKey => executionKey;

        public override string InstanceId => instanceId;
    }
}
