using Dapr.DurableTask.Protobuf;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// How large the messages of the workflow protocol may be: the body limit of the app's sidecar. Only a
/// worker's answer to a turn is read beyond that. If it were refused, the turn would stay with its worker,
/// and nobody would see why the workflow does not go on; as it is, the workflow is shown as stalled.
/// </summary>
internal sealed class MessageLimit : Interceptor
{
    /// <summary>So many times the limit an answer to a turn is still read.</summary>
    private const int AnswerFactor = 4;

    /// <summary>What an answer may take of the limit; the rest is for what travels with it.</summary>
    private const int AnswerPercentMax = 95;

    /// <summary>
    /// Adds gRPC services that read messages up to a limit, and answers to turns beyond it.
    /// </summary>
    public static void AddGrpc(IServiceCollection services, int limit)
    {
        services.AddSingleton<MessageLimit>();
        services
            .AddGrpc(grpc => grpc.MaxReceiveMessageSize = limit)
            .AddServiceOptions<TaskHubService>(hub =>
            {
                hub.MaxReceiveMessageSize = (int)Math.Min((long)limit * AnswerFactor, int.MaxValue);
                hub.Interceptors.Add<MessageLimit>();
            });
    }

    /// <summary>Whether a worker's answer is too large to be taken.</summary>
    public static bool IsExceededBy(WorkflowResponse answer, ServerCallContext context) =>
        answer.CalculateSize() > LimitOf(context) / 100 * AnswerPercentMax;

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        if (request is not WorkflowResponse && ((IMessage)request).CalculateSize() > LimitOf(context))
        {
            throw WorkflowFault.TooLarge(LimitOf(context));
        }
        return continuation(request, context);
    }

    private static int LimitOf(ServerCallContext context) => WorkflowCaller.App(context).Spec.MaxBodyBytes;
}
