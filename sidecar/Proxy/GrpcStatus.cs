using System.Globalization;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Souk.Sidecar.Proxy;

/// <summary>Ends a gRPC call by hand, where no gRPC service is in charge of it.</summary>
internal static class GrpcStatus
{
    public static void Answer(HttpResponse response, StatusCode code, string message)
    {
        var number = ((int)code).ToString(CultureInfo.InvariantCulture);
        var text = Encoded(message);
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

    // gRPC's percent encoding touches as little as it can, and some clients undo no more than that.
    private static string Encoded(string message)
    {
        var text = new StringBuilder(message.Length);
        foreach (var one in Encoding.UTF8.GetBytes(message))
        {
            if (one is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
                text.Append((char)one);
            else
                text.Append(CultureInfo.InvariantCulture, $"%{one:X2}");
        }
        return text.ToString();
    }
}
