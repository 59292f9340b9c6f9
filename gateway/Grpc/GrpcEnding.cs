using System.Globalization;
using Google.Protobuf;
using Google.Rpc;
using Souk.Gateway.Errors;
using Souk.Shared;

namespace Souk.Gateway.Grpc;

/// <summary>How a gRPC answer ends: code, text and details as trailers.</summary>
internal static class GrpcEnding
{
    /// <summary>Ends an answer that may have begun. Details pass as the service gave them.</summary>
    public static void Write(HttpContext context, Problem? problem, string traceId)
    {
        Start(context);
        if (problem is null)
        {
            context.Response.AppendTrailer("grpc-status", "0");
            return;
        }
        // What went wrong inside is for our logs; strangers get the trace id.
        var status = problem.IsInternal ? Fault.StatusOf(Fault.Internal(traceId)) : problem.Status;
        context.Response.AppendTrailer("grpc-status", status.Code.ToString(CultureInfo.InvariantCulture));
        if (status.Message.Length > 0)
            context.Response.AppendTrailer("grpc-message", GrpcMessage.Encode(status.Message));
        if (status.Details.Count > 0)
            context.Response.AppendTrailer(Fault.DetailsTrailer, Details(status));
    }

    /// <summary>Says what the answer is, once; the status of HTTP is always 200.</summary>
    public static void Start(HttpContext context)
    {
        if (context.Response.HasStarted)
            return;
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = GrpcKind.Native.MediaType();
        context.Response.Headers["grpc-accept-encoding"] = "identity,gzip";
    }

    private static string Details(Status status) => Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
}
