using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Sidecar.Workflows;

/// <summary>The workflow protocol for clients: start, ask, wait, signal, end, delete.</summary>
internal sealed partial class TaskHubService(WorkflowEngine engine)
    : TaskHubSidecarService.TaskHubSidecarServiceBase
{
    private const int PageSizeDefault = 1_024;
    private const int PageSizeMax = 10_000;

    public override Task<Empty> Hello(Empty request, ServerCallContext context) =>
        Task.FromResult(new Empty());

    public override async Task<CreateInstanceResponse> StartInstance(
        CreateInstanceRequest request,
        ServerCallContext context
    )
    {
        var app = await engine.OpenAsync(AppOf(context), context.CancellationToken);
        request.ParentTraceContext ??= TraceOf(context);
        var id = await engine.StartAsync(app, request, context.CancellationToken);
        // A start time, even one long past, means that the caller does not wait for a worker to take the
        // instance.
        if (request.ScheduledStartTimestamp is null)
        {
            await engine.WatchAsync(new(app.AppId, id), IsStarted, context.CancellationToken);
        }
        return new CreateInstanceResponse { InstanceId = id };
    }

    public override async Task<GetInstanceResponse> GetInstance(
        GetInstanceRequest request,
        ServerCallContext context
    ) =>
        Answer(
            await engine.FindAsync(KeyOf(context, request.InstanceId), context.CancellationToken),
            request
        );

    public override async Task<GetInstanceResponse> WaitForInstanceStart(
        GetInstanceRequest request,
        ServerCallContext context
    ) =>
        Answer(
            await engine.WatchAsync(KeyOf(context, request.InstanceId), IsStarted, context.CancellationToken),
            request
        );

    public override async Task<GetInstanceResponse> WaitForInstanceCompletion(
        GetInstanceRequest request,
        ServerCallContext context
    ) =>
        Answer(
            await engine.WatchAsync(
                KeyOf(context, request.InstanceId),
                static view => view.IsTerminal,
                context.CancellationToken
            ),
            request
        );

    public override async Task<RaiseEventResponse> RaiseEvent(
        RaiseEventRequest request,
        ServerCallContext context
    )
    {
        await engine.RaiseAsync(
            KeyOf(context, request.InstanceId),
            request.Name,
            request.Input,
            context.CancellationToken
        );
        return new RaiseEventResponse();
    }

    public override async Task<TerminateResponse> TerminateInstance(
        TerminateRequest request,
        ServerCallContext context
    )
    {
        await engine.TerminateAsync(
            KeyOf(context, request.InstanceId),
            request.Output,
            request.Recursive,
            context.CancellationToken
        );
        return new TerminateResponse();
    }

    public override async Task<SuspendResponse> SuspendInstance(
        SuspendRequest request,
        ServerCallContext context
    )
    {
        await engine.SuspendAsync(
            KeyOf(context, request.InstanceId),
            request.Reason,
            context.CancellationToken
        );
        return new SuspendResponse();
    }

    public override async Task<ResumeResponse> ResumeInstance(
        ResumeRequest request,
        ServerCallContext context
    )
    {
        await engine.ResumeAsync(
            KeyOf(context, request.InstanceId),
            request.Reason,
            context.CancellationToken
        );
        return new ResumeResponse();
    }

    public override async Task<PurgeInstancesResponse> PurgeInstances(
        PurgeInstancesRequest request,
        ServerCallContext context
    )
    {
        if (request.PurgeInstanceFilter is { } filter)
        {
            return await engine.PurgeWhereAsync(
                AppOf(context),
                filter,
                request.Recursive,
                context.CancellationToken
            );
        }
        var purged = await engine.PurgeAsync(
            KeyOf(context, request.InstanceId),
            request.Recursive,
            request.Force,
            context.CancellationToken
        );
        return new PurgeInstancesResponse { DeletedInstanceCount = purged, IsComplete = true };
    }

    public override async Task<ListInstanceIDsResponse> ListInstanceIDs(
        ListInstanceIDsRequest request,
        ServerCallContext context
    )
    {
        if (request.ContinuationToken.Contains('\0'))
        {
            throw WorkflowFault.BadField("continuationToken", "is not one of ours");
        }
        var size = request.PageSize == 0 ? PageSizeDefault : (int)Math.Min(request.PageSize, PageSizeMax);
        var ids = await engine.ListAsync(
            AppOf(context),
            request.ContinuationToken,
            size,
            context.CancellationToken
        );
        var response = new ListInstanceIDsResponse { InstanceIds = { ids } };
        if (ids.Count == size)
        {
            response.ContinuationToken = ids[^1];
        }
        return response;
    }

    public override async Task<GetInstanceHistoryResponse> GetInstanceHistory(
        GetInstanceHistoryRequest request,
        ServerCallContext context
    )
    {
        var history =
            await engine.HistoryAsync(KeyOf(context, request.InstanceId), context.CancellationToken)
            ?? throw WorkflowFault.NoHistory(request.InstanceId);
        return new GetInstanceHistoryResponse { Events = { history } };
    }

    public override async Task<RerunWorkflowFromEventResponse> RerunWorkflowFromEvent(
        RerunWorkflowFromEventRequest request,
        ServerCallContext context
    ) =>
        new()
        {
            NewInstanceID = await engine.RerunAsync(
                KeyOf(context, request.SourceInstanceID),
                request,
                context.CancellationToken
            ),
        };

    private static bool IsStarted(RunView view) => view.Status != OrchestrationStatus.Pending;

    private static GetInstanceResponse Answer(RunView? view, GetInstanceRequest request) =>
        view is null
            ? new GetInstanceResponse()
            : new GetInstanceResponse
            {
                Exists = true,
                WorkflowState = view.ToState(request.GetInputsAndOutputs),
            };

    private static InstanceKey KeyOf(ServerCallContext context, string instanceId) =>
        InstanceKey.IsValidId(instanceId)
            ? new InstanceKey(AppOf(context), instanceId)
            : throw WorkflowFault.BadId();

    private static string AppOf(ServerCallContext context) => WorkflowCaller.AppId(context);

    private static TraceContext? TraceOf(ServerCallContext context) => WorkflowCaller.Trace(context);
}
