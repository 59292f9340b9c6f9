using Dapr.Common.Serialization;

namespace Dapr.Workflow;

/// <summary>A workflow without its types, as the worker sees it.</summary>
public interface IWorkflow
{
    /// <summary>What it takes.</summary>
    Type InputType { get; }

    /// <summary>What it gives.</summary>
    Type OutputType { get; }

    /// <summary>Runs it from the beginning.</summary>
    Task<object?> RunAsync(WorkflowContext context, object? input);
}

/// <summary>
/// A workflow: plain code that survives restarts, because it is run again from the beginning with the
/// recorded results. So it must be deterministic: no clock, randomness, I/O or waiting except through its
/// context.
/// </summary>
public abstract class Workflow<TInput, TOutput> : IWorkflow
{
    Type IWorkflow.InputType => typeof(TInput);

    Type IWorkflow.OutputType => typeof(TOutput);

    async Task<object?> IWorkflow.RunAsync(WorkflowContext context, object? input) =>
        await RunAsync(context, Payload.As<TInput>(input));

    /// <summary>What the workflow does.</summary>
    public abstract Task<TOutput> RunAsync(WorkflowContext context, TInput input);
}
