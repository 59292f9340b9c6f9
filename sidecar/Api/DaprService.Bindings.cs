using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Sidecar.Bindings;

namespace Souk.Sidecar.Api;

/// <summary>Output bindings over gRPC.</summary>
internal sealed partial class DaprService
{
    public override async Task<InvokeBindingResponse> InvokeBinding(
        InvokeBindingRequest request,
        ServerCallContext context
    )
    {
        var call = new BindingCall(request.Operation, request.Data.Memory)
        {
            Metadata = request.Metadata,
            Trace = TraceOf(context),
        };
        var reply = await BindingApi.InvokeAsync(
            AppOf(context),
            request.Name,
            call,
            context.CancellationToken
        );
        var response = new InvokeBindingResponse { Data = ByteString.CopyFrom(reply.Data.Span) };
        foreach (var (name, value) in reply.Metadata)
            response.Metadata.Add(name, value);
        return response;
    }
}
