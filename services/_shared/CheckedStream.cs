using Google.Protobuf;
using Grpc.Core;

namespace Souk.Shared;

/// <summary>The messages of a client's stream, each checked against its contract as it is read.</summary>
internal sealed class CheckedStream<T>(IAsyncStreamReader<T> requests, MethodPlan plan)
    : IAsyncStreamReader<T>
{
    public T Current => requests.Current;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (!await requests.MoveNext(cancellationToken))
            return false;
        if (requests.Current is IMessage message && !plan.IsInfrastructure)
            plan.Input.Apply(message);
        return true;
    }
}
