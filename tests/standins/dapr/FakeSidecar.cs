using System.Collections.Concurrent;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Tests.Standins;

/// <summary>The sidecar's side of the API: notes what it is asked, answers what the test says.</summary>
internal sealed class FakeSidecar : Dapr.Client.Autogen.Grpc.v1.Dapr.DaprBase
{
    public ConcurrentQueue<IMessage> Requests { get; } = new();

    public ConcurrentQueue<Metadata> Headers { get; } = new();

    /// <summary>Makes every call fail.</summary>
    public Status? Failure { get; set; }

    public GetStateResponse State { get; set; } = new();

    public GetBulkStateResponse BulkState { get; set; } = new();

    public TryLockResponse Lock { get; set; } = new() { Success = true };

    public UnlockResponse.Types.Status Unlocked { get; set; }

    public BulkPublishResponse BulkPublished { get; set; } = new();

    public TRequest Single<TRequest>()
        where TRequest : IMessage => Requests.OfType<TRequest>().Single();

    public override Task<GetStateResponse> GetState(GetStateRequest request, ServerCallContext context) =>
        Answer(request, context, State);

    public override Task<GetBulkStateResponse> GetBulkState(
        GetBulkStateRequest request,
        ServerCallContext context
    ) => Answer(request, context, BulkState);

    public override Task<Empty> SaveState(SaveStateRequest request, ServerCallContext context) =>
        Answer(request, context, new Empty());

    public override Task<Empty> DeleteState(DeleteStateRequest request, ServerCallContext context) =>
        Answer(request, context, new Empty());

    public override Task<Empty> DeleteBulkState(DeleteBulkStateRequest request, ServerCallContext context) =>
        Answer(request, context, new Empty());

    public override Task<Empty> ExecuteStateTransaction(
        ExecuteStateTransactionRequest request,
        ServerCallContext context
    ) => Answer(request, context, new Empty());

    public override Task<Empty> PublishEvent(PublishEventRequest request, ServerCallContext context) =>
        Answer(request, context, new Empty());

    public override Task<BulkPublishResponse> BulkPublishEvent(
        BulkPublishRequest request,
        ServerCallContext context
    ) => Answer(request, context, BulkPublished);

    public override Task<InvokeBindingResponse> InvokeBinding(
        InvokeBindingRequest request,
        ServerCallContext context
    ) => Answer(request, context, new InvokeBindingResponse { Data = request.Data });

    public override Task<GetSecretResponse> GetSecret(GetSecretRequest request, ServerCallContext context) =>
        Answer(request, context, new GetSecretResponse { Data = { [request.Key] = "s3cret" } });

    public override Task<GetBulkSecretResponse> GetBulkSecret(
        GetBulkSecretRequest request,
        ServerCallContext context
    ) =>
        Answer(
            request,
            context,
            new GetBulkSecretResponse { Data = { ["a"] = new SecretResponse { Secrets = { ["a"] = "1" } } } }
        );

    public override Task<TryLockResponse> TryLockAlpha1(TryLockRequest request, ServerCallContext context) =>
        Answer(request, context, Lock);

    public override Task<UnlockResponse> UnlockAlpha1(UnlockRequest request, ServerCallContext context) =>
        Answer(request, context, new UnlockResponse { Status = Unlocked });

    public override Task<GetMetadataResponse> GetMetadata(
        GetMetadataRequest request,
        ServerCallContext context
    ) =>
        Answer(
            request,
            context,
            new GetMetadataResponse
            {
                Id = "cart",
                ExtendedMetadata = { ["daprRuntimeVersion"] = "1.18.0" },
                RegisteredComponents =
                {
                    new RegisteredComponents
                    {
                        Name = "cartstore",
                        Type = "state.redis",
                        Version = "v1",
                        Capabilities = { "ETAG" },
                    },
                },
            }
        );

    private Task<TAnswer> Answer<TAnswer>(IMessage request, ServerCallContext context, TAnswer answer)
    {
        Requests.Enqueue(request);
        Headers.Enqueue(context.RequestHeaders);
        return Failure is { } failure ? throw new RpcException(failure) : Task.FromResult(answer);
    }
}
