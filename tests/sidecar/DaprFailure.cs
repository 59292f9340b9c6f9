using Google.Rpc;
using Grpc.Core;

namespace Souk.Tests.Sidecar;

/// <summary>How a call to the sidecar failed, with the reason from its details.</summary>
internal sealed record DaprFailure(StatusCode Code, string Reason, string Domain, string Message)
{
    internal static async Task<DaprFailure> OfAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException e)
        {
            var info = InfoOf(e);
            return new DaprFailure(e.StatusCode, info?.Type ?? "", info?.Domain ?? "", e.Status.Detail);
        }
        throw new AssertionException("The call succeeded but should have failed.");
    }

    private static ErrorInfo? InfoOf(RpcException e)
    {
        var entry = e.Trailers.FirstOrDefault(trailer => trailer.Key == "grpc-status-details-bin");
        return entry is null
            ? null
            : Google
                .Rpc.Status.Parser.ParseFrom(entry.ValueBytes)
                .Details.First(detail => detail.Is(ErrorInfo.Descriptor))
                .Unpack<ErrorInfo>();
    }
}
