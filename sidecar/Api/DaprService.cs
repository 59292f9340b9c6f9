using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Souk.Sidecar.Invoke;
using Souk.Sidecar.Workflows;
using DaprBase = Dapr.Client.Autogen.Grpc.v1.Dapr.DaprBase;

namespace Souk.Sidecar.Api;

/// <summary>The runtime API over gRPC. What it does not override answers UNIMPLEMENTED.</summary>
internal sealed partial class DaprService(
    TimeProvider clock,
    WorkflowManagement? workflows = null,
    InvokeService? invoke = null
) : DaprBase
{
    private static readonly Empty Nothing = new();

    public override Task<InvokeResponse> InvokeService(
        InvokeServiceRequest request,
        ServerCallContext context
    ) => invoke?.InvokeAsync(request, context) ?? base.InvokeService(request, context);

    public override Task<GetStateResponse> GetState(GetStateRequest request, ServerCallContext context) =>
        StateApi.GetAsync(AppOf(context), request, context.CancellationToken);

    public override Task<GetBulkStateResponse> GetBulkState(
        GetBulkStateRequest request,
        ServerCallContext context
    ) => StateApi.GetBulkAsync(AppOf(context), request, context.CancellationToken);

    public override async Task<Empty> SaveState(SaveStateRequest request, ServerCallContext context)
    {
        await StateApi.SaveAsync(AppOf(context), request, context.CancellationToken);
        return Nothing;
    }

    public override async Task<Empty> DeleteState(DeleteStateRequest request, ServerCallContext context)
    {
        await StateApi.DeleteAsync(AppOf(context), request, context.CancellationToken);
        return Nothing;
    }

    public override async Task<Empty> DeleteBulkState(
        DeleteBulkStateRequest request,
        ServerCallContext context
    )
    {
        await StateApi.DeleteBulkAsync(AppOf(context), request, context.CancellationToken);
        return Nothing;
    }

    public override async Task<Empty> ExecuteStateTransaction(
        ExecuteStateTransactionRequest request,
        ServerCallContext context
    )
    {
        await StateApi.TransactAsync(AppOf(context), request, context.CancellationToken);
        return Nothing;
    }

    public override Task<GetSecretResponse> GetSecret(GetSecretRequest request, ServerCallContext context) =>
        Task.FromResult(SecretApi.Get(AppOf(context), request));

    public override Task<GetBulkSecretResponse> GetBulkSecret(
        GetBulkSecretRequest request,
        ServerCallContext context
    ) => Task.FromResult(SecretApi.GetAll(AppOf(context), request));

    public override Task<TryLockResponse> TryLockAlpha1(TryLockRequest request, ServerCallContext context) =>
        LockApi.TryLockAsync(AppOf(context), request, context.CancellationToken);

    public override Task<UnlockResponse> UnlockAlpha1(UnlockRequest request, ServerCallContext context) =>
        LockApi.UnlockAsync(AppOf(context), request, context.CancellationToken);

    public override Task<GetMetadataResponse> GetMetadata(
        GetMetadataRequest request,
        ServerCallContext context
    ) => Task.FromResult(MetadataApi.Get(AppOf(context)));

    public override Task<Empty> SetMetadata(SetMetadataRequest request, ServerCallContext context)
    {
        AppOf(context).ExtendedMetadata[request.Key] = request.Value;
        return Task.FromResult(Nothing);
    }

    public override Task<Empty> Shutdown(ShutdownRequest request, ServerCallContext context)
    {
        AppOf(context).RequestShutdown();
        return Task.FromResult(Nothing);
    }

    private static SidecarApp AppOf(ServerCallContext context) =>
        context.GetHttpContext().Features.GetRequiredFeature<SidecarApp>();

    private static TraceContext TraceOf(ServerCallContext context) =>
        new(context.RequestHeaders.GetValue("traceparent"), context.RequestHeaders.GetValue("tracestate"));
}
