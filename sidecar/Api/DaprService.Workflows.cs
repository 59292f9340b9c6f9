using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Sidecar.Workflows;

namespace Souk.Sidecar.Api;

// The workflow methods of the runtime API; workers and most clients use the workflow protocol instead.
internal sealed partial class DaprService
{
    private WorkflowManagement Workflows =>
        workflows
        ?? throw new RpcException(
            new Status(StatusCode.FailedPrecondition, "no state store with actorStateStore is configured")
        );

    public override async Task<StartWorkflowResponse> StartWorkflowBeta1(
        StartWorkflowRequest request,
        ServerCallContext context
    )
    {
        var start = new WorkflowStart(request.WorkflowName, request.InstanceId)
        {
            Input = request.Input.IsEmpty ? null : request.Input.ToStringUtf8(),
            Options = request.Options,
            Trace = WorkflowCaller.Trace(context),
        };
        var id = await Workflows.StartAsync(AppOf(context).AppId, start, context.CancellationToken);
        return new StartWorkflowResponse { InstanceId = id };
    }

    public override async Task<GetWorkflowResponse> GetWorkflowBeta1(
        WorkflowIdRequest request,
        ServerCallContext context
    )
    {
        var id = request.InstanceId;
        var summary = await Workflows.GetAsync(AppOf(context).AppId, id, context.CancellationToken);
        // An unknown instance is not an error here.
        if (summary is null)
            return new GetWorkflowResponse();
        var response = new GetWorkflowResponse
        {
            InstanceId = id,
            WorkflowName = summary.View.Started.Name,
            CreatedAt = summary.View.CreateTime,
            LastUpdatedAt = summary.View.UpdateTime,
            RuntimeStatus = summary.RuntimeStatus,
        };
        foreach (var (name, value) in summary.Properties)
            response.Properties.Add(name, value);
        return response;
    }

    public override Task<StartWorkflowResponse> StartWorkflowAlpha1(
        StartWorkflowRequest request,
        ServerCallContext context
    ) => StartWorkflowBeta1(request, context);

    public override Task<GetWorkflowResponse> GetWorkflowAlpha1(
        WorkflowIdRequest request,
        ServerCallContext context
    ) => GetWorkflowBeta1(request, context);

    public override async Task<Empty> RaiseEventWorkflowBeta1(
        RaiseEventWorkflowRequest request,
        ServerCallContext context
    )
    {
        var data = request.EventData.IsEmpty ? null : request.EventData.ToStringUtf8();
        var appId = AppOf(context).AppId;
        await Workflows.RaiseAsync(
            appId,
            request.InstanceId,
            request.EventName,
            data,
            context.CancellationToken
        );
        return Nothing;
    }

    public override Task<Empty> TerminateWorkflowBeta1(
        WorkflowIdRequest request,
        ServerCallContext context
    ) => ManageAsync(request, context, Workflows.TerminateAsync);

    public override Task<Empty> PauseWorkflowBeta1(WorkflowIdRequest request, ServerCallContext context) =>
        ManageAsync(request, context, Workflows.PauseAsync);

    public override Task<Empty> ResumeWorkflowBeta1(WorkflowIdRequest request, ServerCallContext context) =>
        ManageAsync(request, context, Workflows.ResumeAsync);

    public override Task<Empty> PurgeWorkflowBeta1(WorkflowIdRequest request, ServerCallContext context) =>
        ManageAsync(request, context, Workflows.PurgeAsync);

    private static async Task<Empty> ManageAsync(
        WorkflowIdRequest request,
        ServerCallContext context,
        Func<string, string, CancellationToken, Task> operation
    )
    {
        await operation(AppOf(context).AppId, request.InstanceId, context.CancellationToken);
        return Nothing;
    }
}
