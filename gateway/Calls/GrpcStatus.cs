using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Rpc;

namespace Souk.Gateway.Calls;

/// <summary>
/// How a call ended, from the trailers, or from the HTTP status where gRPC never came to speak.
/// </summary>
internal static class GrpcStatus
{
    private const string CodeHeader = "grpc-status";
    private const string TextHeader = "grpc-message";
    private const string DetailsHeader = "grpc-status-details-bin";

    public static Status Of(HttpResponseMessage response)
    {
        // A call that fails at once has no body, and its trailers are its headers.
        var trailers = response.TrailingHeaders.NonValidated.Contains(CodeHeader)
            ? response.TrailingHeaders
            : response.Headers;
        return Of((int)response.StatusCode, name => Value(trailers, name));
    }

    /// <summary>The status that trailers tell, or in their absence HTTP.</summary>
    /// <param name="trailer">The trailer's value; empty for none.</param>
    public static Status Of(int httpStatus, Func<string, string> trailer)
    {
        if (!int.TryParse(trailer(CodeHeader), NumberStyles.None, CultureInfo.InvariantCulture, out var code))
            return new Status
            {
                Code = (int)CodeOf((HttpStatusCode)httpStatus),
                Message = "The call did not end well.",
            };
        if (code == (int)Code.Ok)
            return new Status();
        var text = Uri.UnescapeDataString(trailer(TextHeader));
        return Detailed(trailer(DetailsHeader), code) ?? new Status { Code = code, Message = text };
    }

    private static Status? Detailed(string base64, int code)
    {
        if (base64.Length == 0)
            return null;
        try
        {
            var padded = base64.PadRight((base64.Length + 3) / 4 * 4, '=');
            var status = Status.Parser.ParseFrom(Convert.FromBase64String(padded));
            status.Code = code;
            return status;
        }
        catch (Exception e) when (e is FormatException or InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static string Value(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : "";

    private static Code CodeOf(HttpStatusCode status) =>
        status switch
        {
            HttpStatusCode.BadRequest or HttpStatusCode.OK => Code.Internal,
            HttpStatusCode.Unauthorized => Code.Unauthenticated,
            HttpStatusCode.Forbidden => Code.PermissionDenied,
            HttpStatusCode.NotFound => Code.Unimplemented,
            HttpStatusCode.TooManyRequests
            or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout => Code.Unavailable,
            _ => Code.Unknown,
        };
}
