using System.Globalization;
using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// The workflow methods of Dapr's own API (gRPC Beta1 and Alpha1, HTTP): other names, stricter ids and other
/// errors than the workflow protocol, on the same engine. Terminate and purge always include children here.
/// </summary>
internal sealed class WorkflowManagement(WorkflowEngine engine, TimeProvider clock)
{
    private const int IdLengthMax = 64;

    // The first, and three more: Dapr's built-in retry.
    private const int StartAttempts = 4;
    private const string StartTimeOption = "dapr.workflow.start_time";
    private static readonly TimeSpan StartRetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>How many workers of the app are connected.</summary>
    public int ConnectedWorkers(string appId) => engine.ConnectedWorkers(appId);

    /// <summary>Starts an instance and returns its id.</summary>
    public async Task<string> StartAsync(string appId, WorkflowStart start, CancellationToken cancellation)
    {
        if (start.WorkflowName.Length == 0)
        {
            throw ManagementFault.NameMissing();
        }
        var id =
            start.InstanceId.Length > 0
                ? start.InstanceId
                : Guid.CreateVersion7(clock.GetUtcNow()).ToString();
        CheckId(id);
        var request = new CreateInstanceRequest
        {
            InstanceId = id,
            Name = start.WorkflowName,
            Input = start.Input,
            ScheduledStartTimestamp = StartTime(start),
            ParentTraceContext = start.Trace,
        };
        var app = await engine.OpenAsync(appId, cancellation);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await engine.StartAsync(app, request, cancellation);
            }
            // Dapr retries here, as the conflict is gone once the active instance ends.
            catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists && attempt < StartAttempts)
            {
                await Task.Delay(StartRetryDelay, clock, cancellation);
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
            {
                throw ManagementFault.NotStarted(start.WorkflowName, e.Status.Detail);
            }
        }
    }

    /// <summary>The instance's state, or null when it is unknown: gRPC answers that as empty, HTTP as
    /// 404.</summary>
    public async Task<WorkflowSummary?> GetAsync(string appId, string id, CancellationToken cancellation)
    {
        CheckId(id);
        return await engine.FindAsync(new(appId, id), cancellation) is { } view ? Summary(view) : null;
    }

    public Task RaiseAsync(string appId, string id, string name, string? data, CancellationToken cancellation)
    {
        if (name.Length == 0)
        {
            throw ManagementFault.EventNameMissing();
        }
        return RunAsync(
            id,
            "ERR_RAISE_EVENT_WORKFLOW",
            () => engine.RaiseAsync(new(appId, id), name, data, cancellation)
        );
    }

    public Task PauseAsync(string appId, string id, CancellationToken cancellation) =>
        RunAsync(id, "ERR_PAUSE_WORKFLOW", () => engine.SuspendAsync(new(appId, id), null, cancellation));

    public Task ResumeAsync(string appId, string id, CancellationToken cancellation) =>
        RunAsync(id, "ERR_RESUME_WORKFLOW", () => engine.ResumeAsync(new(appId, id), null, cancellation));

    public async Task TerminateAsync(string appId, string id, CancellationToken cancellation)
    {
        await RequireAsync(appId, id, cancellation);
        await RunAsync(
            id,
            "ERR_TERMINATE_WORKFLOW",
            () => engine.TerminateAsync(new(appId, id), null, recurse: true, cancellation)
        );
    }

    public async Task PurgeAsync(string appId, string id, CancellationToken cancellation)
    {
        await RequireAsync(appId, id, cancellation);
        await RunAsync(
            id,
            "ERR_PURGE_WORKFLOW",
            () => engine.PurgeAsync(new(appId, id), recursive: true, force: false, cancellation)
        );
    }

    private async Task RequireAsync(string appId, string id, CancellationToken cancellation)
    {
        CheckId(id);
        if (await engine.FindAsync(new(appId, id), cancellation) is null)
        {
            throw ManagementFault.NotFound(id);
        }
    }

    private static async Task RunAsync(string id, string errorCode, Func<Task> operation)
    {
        CheckId(id);
        try
        {
            await operation();
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unknown)
        {
            throw ManagementFault.Failed(errorCode, id, e.Status.Detail);
        }
    }

    private static void CheckId(string id)
    {
        if (id.Length == 0)
        {
            throw ManagementFault.IdMissing();
        }
        if (id.Length > IdLengthMax)
        {
            throw ManagementFault.IdTooLong(id);
        }
        if (!id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            throw ManagementFault.IdInvalid(id);
        }
    }

    private static Timestamp? StartTime(WorkflowStart start)
    {
        if (!start.Options.TryGetValue(StartTimeOption, out var text))
        {
            return null;
        }
        return DateTimeOffset.TryParse(
            text,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time.ToTimestamp()
            : throw ManagementFault.NotStarted(
                start.WorkflowName,
                $"{StartTimeOption} '{text}' is not RFC 3339"
            );
    }

    private static WorkflowSummary Summary(RunView view)
    {
        var properties = new Dictionary<string, string>();
        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                properties[name] = value;
            }
        }
        Add("dapr.workflow.input", view.Started.Input);
        Add("dapr.workflow.custom_status", view.CustomStatus);
        if (view.Ended?.FailureDetails is { } failure)
        {
            Add("dapr.workflow.failure.error_type", failure.ErrorType);
            Add("dapr.workflow.failure.error_message", failure.ErrorMessage);
            Add("dapr.workflow.failure.stack_trace", failure.StackTrace);
        }
        else
        {
            Add("dapr.workflow.output", view.Ended?.Result);
        }
        return new WorkflowSummary(view, StatusNames.Of(view.Status), properties);
    }
}

/// <summary>A start as Dapr's own API gives it.</summary>
internal sealed record WorkflowStart(string WorkflowName, string InstanceId)
{
    public string? Input { get; init; }

    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    public TraceContext? Trace { get; init; }
}

/// <summary>An instance as Dapr's own API shows it.</summary>
internal sealed record WorkflowSummary(
    RunView View,
    string RuntimeStatus,
    IReadOnlyDictionary<string, string> Properties
);
