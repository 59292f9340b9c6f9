using Dapr.Workflow.Abstractions;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Dapr.Workflow;

/// <summary>Which workflows and activities this app runs, and how many at a time.</summary>
public sealed class WorkflowRuntimeOptions
{
    private readonly Dictionary<string, Func<IServiceProvider, IWorkflow>> _workflows = new(
        StringComparer.OrdinalIgnoreCase
    );

    private readonly Dictionary<string, Func<IServiceProvider, IWorkflowActivity>> _activities = new(
        StringComparer.OrdinalIgnoreCase
    );

    /// <summary>How many workflow turns run at a time.</summary>
    public int MaxConcurrentWorkflows
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 100;

    /// <summary>How many activities run at a time.</summary>
    public int MaxConcurrentActivities
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 100;

    internal GrpcChannelOptions? ChannelOptions { get; private set; }

    internal bool IsEmpty => _workflows.Count == 0 && _activities.Count == 0;

    /// <summary>Replaces the channel's options, its handler included.</summary>
    public void UseGrpcChannelOptions(GrpcChannelOptions grpcChannelOptions)
    {
        ArgumentNullException.ThrowIfNull(grpcChannelOptions);
        ChannelOptions = grpcChannelOptions;
    }

    /// <summary>Registers a workflow class, by default under its own name.</summary>
    public void RegisterWorkflow<TWorkflow>(string? name = null)
        where TWorkflow : class, IWorkflow
    {
        var factory = ActivatorUtilities.CreateFactory<TWorkflow>([]);
        Add(_workflows, name ?? typeof(TWorkflow).Name, services => factory(services, null));
    }

    /// <summary>Registers a function as a workflow.</summary>
    public void RegisterWorkflow<TInput, TOutput>(
        string name,
        Func<WorkflowContext, TInput, Task<TOutput>> implementation
    )
    {
        ArgumentNullException.ThrowIfNull(implementation);
        var workflow = new WorkflowFunction<TInput, TOutput>(implementation);
        Add(_workflows, name, _ => workflow);
    }

    /// <summary>Registers an activity class, by default under its own name; it is created per call.</summary>
    public void RegisterActivity<TActivity>(string? name = null)
        where TActivity : class, IWorkflowActivity
    {
        var factory = ActivatorUtilities.CreateFactory<TActivity>([]);
        Add(_activities, name ?? typeof(TActivity).Name, services => factory(services, null));
    }

    /// <summary>Registers a function as an activity.</summary>
    public void RegisterActivity<TInput, TOutput>(
        string name,
        Func<WorkflowActivityContext, TInput, Task<TOutput>> implementation
    )
    {
        ArgumentNullException.ThrowIfNull(implementation);
        var activity = new ActivityFunction<TInput, TOutput>(implementation);
        Add(_activities, name, _ => activity);
    }

    internal IWorkflow? CreateWorkflow(string name, IServiceProvider services) =>
        _workflows.TryGetValue(name, out var create) ? create(services) : null;

    internal IWorkflowActivity? CreateActivity(string name, IServiceProvider services) =>
        _activities.TryGetValue(name, out var create) ? create(services) : null;

    private static void Add<T>(
        Dictionary<string, Func<IServiceProvider, T>> registry,
        string name,
        Func<IServiceProvider, T> create
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!registry.TryAdd(name, create))
            throw new InvalidOperationException($"'{name}' is registered already.");
    }

    private sealed class WorkflowFunction<TInput, TOutput>(Func<WorkflowContext, TInput, Task<TOutput>> run)
        : Workflow<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(WorkflowContext context, TInput input) => run(context, input);
    }

    private sealed class ActivityFunction<TInput, TOutput>(
        Func<WorkflowActivityContext, TInput, Task<TOutput>> run
    ) : WorkflowActivity<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(WorkflowActivityContext context, TInput input) =>
            run(context, input);
    }
}
