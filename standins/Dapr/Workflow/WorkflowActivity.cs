using Dapr.Common.Serialization;
using Dapr.Workflow.Abstractions;

namespace Dapr.Workflow
{
    /// <summary>A step of a workflow: does anything, runs at least once, so it must be idempotent.</summary>
    public abstract class WorkflowActivity<TInput, TOutput> : IWorkflowActivity
    {
        Type IWorkflowActivity.InputType => typeof(TInput);

        Type IWorkflowActivity.OutputType => typeof(TOutput);

        async Task<object?> IWorkflowActivity.RunAsync(WorkflowActivityContext context, object? input) =>
            await RunAsync(context, Payload.As<TInput>(input));

        /// <summary>What the activity does.</summary>
        public abstract Task<TOutput> RunAsync(WorkflowActivityContext context, TInput input);
    }

    /// <summary>Which call of an activity this is.</summary>
    public abstract class WorkflowActivityContext
    {
        /// <summary>The activity's name.</summary>
        public abstract TaskIdentifier Identifier { get; }

        /// <summary>The same for every attempt of one call: a key for idempotency.</summary>
        public abstract string TaskExecutionKey { get; }

        /// <summary>The workflow instance that asked.</summary>
        public abstract string InstanceId { get; }
    }
}

namespace Dapr.Workflow.Abstractions
{
    /// <summary>An activity without its types, as the worker sees it.</summary>
    public interface IWorkflowActivity
    {
        /// <summary>What it takes.</summary>
        Type InputType { get; }

        /// <summary>What it gives.</summary>
        Type OutputType { get; }

        /// <summary>Runs it.</summary>
        Task<object?> RunAsync(WorkflowActivityContext context, object? input);
    }

    /// <summary>The name of a workflow or activity.</summary>
    public readonly record struct TaskIdentifier(string Name)
    {
        /// <summary>Takes a plain name.</summary>
        public static implicit operator TaskIdentifier(string name) => new(name);

        /// <summary>Gives the plain name.</summary>
        public static implicit operator string(TaskIdentifier identifier) => identifier.Name;

        /// <inheritdoc/>
        public override string ToString() => Name;
    }
}
