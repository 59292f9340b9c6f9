using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Souk.Shared;

namespace Souk.Sidecar.Proxy;

/// <summary>Ends a gRPC call by hand, where no gRPC service is in charge of it.</summary>
internal static class GrpcStatus
{
    public static void Answer(HttpResponse response, StatusCode code, string message)
    {
        var number = ((int)code).ToString(CultureInfo.InvariantCulture);
        var text = GrpcMessage.Encode(message);
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
