using Souk.Gateway.Calls;

namespace Souk.Gateway.Grpc;

/// <summary>
/// Metadata of a service's answer on its way to the client. The protocol's own headers are the gateway's to
/// write.
/// </summary>
internal static class PassedMetadata
{
    private static readonly string[] Own = ["grpc-", "dapr-", "content-", "x-request-id"];

    public static void Leading(GrpcReply reply, HttpContext context)
    {
        // What fails at once has its trailers there.
        if (reply.IsOver || context.Response.HasStarted)
            return;
        foreach (var (name, values) in reply.Leading)
        {
            if (IsPassed(name))
                context.Response.Headers.Append(name, values.ToString());
        }
    }

    public static void Trailing(GrpcReply reply, HttpContext context)
    {
        foreach (var (name, values) in reply.IsOver ? reply.Leading : reply.Trailing)
        {
            if (IsPassed(name))
                context.Response.AppendTrailer(name, values.ToString());
        }
    }

    private static bool IsPassed(string name) =>
        name is not ("date" or "Date" or "server" or "Server")
        && !Array.Exists(Own, own => name.StartsWith(own, StringComparison.OrdinalIgnoreCase));
}
