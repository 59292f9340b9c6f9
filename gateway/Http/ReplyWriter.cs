using System.Globalization;
using System.Net.Mime;
using System.Text;
using Souk.Gateway.Caching;
using Souk.Gateway.Calls;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Http;

/// <summary>Writes the message of a unary reply as the response.</summary>
internal static class ReplyWriter
{
    private const string Json = "application/json; charset=utf-8";
    private const int ContentTypeNumber = 1;
    private const int DataNumber = 2;

    /// <summary>Names and brackets make most messages less than twice as long.</summary>
    private const int JsonBytesPerByte = 2;

    /// <summary>Writes a remembered reply.</summary>
    public static async Task WriteAsync(
        Route route,
        HttpContext context,
        CachedReply reply,
        DateTimeOffset now
    )
    {
        var response = context.Response;
        var age = Math.Max(0, (long)(now - reply.MadeAt).TotalSeconds);
        response.Headers.Age = age.ToString(CultureInfo.InvariantCulture);
        if (ReplyHeaders.Apply(route, context, reply.Message, isAnonymous: true))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.ContentType = reply.ContentType;
        var body = reply.Body;
        if (
            reply.Packed is { } packed
            && Compression.Accepts(context.Request.Headers.AcceptEncoding.ToString())
        )
        {
            body = packed;
            response.Headers.ContentEncoding = Compression.Encoding;
        }
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(body, context.RequestAborted);
    }

    public static async Task WriteAsync(Route route, HttpContext context, UnaryReply reply, bool isAnonymous)
    {
        var response = context.Response;
        if (ReplyHeaders.Apply(route, context, reply.Message, isAnonymous))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        using var body = new PooledBuffer(reply.Message.Length * JsonBytesPerByte);
        response.ContentType = Render(route, reply.Message, body);
        using var packed = new PooledBuffer();
        var encoding = route.IsRawResponse ? null : Compress(context, body, packed);
        if (encoding is not null)
            response.Headers.ContentEncoding = encoding;
        var bytes = encoding is null ? body : packed;
        response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(bytes.WrittenMemory, context.RequestAborted);
    }

    private static string? Compress(HttpContext context, PooledBuffer body, PooledBuffer target) =>
        Compression.TryCompress(context.Request.Headers.AcceptEncoding.ToString(), body.Written, target);

    /// <summary>Writes the body and returns its media type.</summary>
    public static string Render(Route route, ReadOnlySpan<byte> message, PooledBuffer body)
    {
        if (route.IsRawResponse)
            return Raw(route.ResponseBody is { } field ? BytesOf(field.Number, message) : message, body);
        if (route.ResponseBody is { } part)
            WireToJson.Field(route.Rpc.Output, part, message, body);
        else
            WireToJson.Message(route.Rpc.Output, message, body);
        return Json;
    }

    private static string Raw(ReadOnlySpan<byte> httpBody, PooledBuffer body)
    {
        var data = BytesOf(DataNumber, httpBody);
        data.CopyTo(body.GetSpan(data.Length));
        body.Advance(data.Length);
        var type = Encoding.UTF8.GetString(BytesOf(ContentTypeNumber, httpBody));
        return type.Length == 0 || type.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? MediaTypeNames.Application.Octet
            : type;
    }

    private static ReadOnlySpan<byte> BytesOf(int wanted, ReadOnlySpan<byte> message)
    {
        ReadOnlySpan<byte> found = default;
        var reader = new WireReader(message);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (number == wanted && type == WireType.Length)
                found = reader.Bytes();
            else
                reader.Skip(type);
        }
        return found;
    }
}
