using Dapr.DurableTask.Protobuf;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// How large the messages of the workflow protocol may be: the body limit of the app's sidecar. A worker's
/// answer to a turn is read beyond that, too: refused, its worker would keep the turn, and nobody would see
/// why the workflow does not go on.
/// </summary>
internal sealed class MessageLimit : Interceptor
{
    private const int AnswersReadUpTo = 4;

    /// <summary>Adds gRPC whose services read messages up to a limit, and turns' answers beyond it.</summary>
    public static void AddGrpc(IServiceCollection services, int limit)
    {
        services.AddSingleton<MessageLimit>();
        services
            .AddGrpc(grpc => grpc.MaxReceiveMessageSize = limit)
            .AddServiceOptions<TaskHubService>(hub =>
            {
                hub.MaxReceiveMessageSize = (int)Math.Min((long)limit * AnswersReadUpTo, int.MaxValue);
                hub.Interceptors.Add<MessageLimit>();
            });
    }

    /// <summary>Whether an answer leaves too little room for what travels with it in a message.</summary>
    public static bool IsPassedBy(WorkflowResponse answer, ServerCallContext context) =>
        answer.CalculateSize() > Of(context) / 100 * 95;

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        if (request is not WorkflowResponse && ((IMessage)request).CalculateSize() > Of(context))
        {
            throw WorkflowFault.TooLarge(Of(context));
        }
        return continuation(request, context);
    }

    private static int Of(ServerCallContext context) => WorkflowCaller.App(context).Spec.MaxBodyBytes;
}
