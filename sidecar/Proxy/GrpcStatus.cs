using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Souk.Sidecar.Proxy;

/// <summary>Ends a gRPC call by hand, where no gRPC service is in charge of it.</summary>
internal static class GrpcStatus
{
    public static void Answer(HttpResponse response, StatusCode code, string message)
    {
        var number = ((int)code).ToString(CultureInfo.InvariantCulture);
        // gRPC's percent encoding; that of URIs covers it.
        var text = Uri.EscapeDataString(message).Replace("%20", " ", StringComparison.Ordinal);
        if (response.HasStarted)
        {
            response.AppendTrailer("grpc-status", number);
            response.AppendTrailer("grpc-message", text);
            return;
        }
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = number;
        response.Headers["grpc-message"] = text;
    }
}
