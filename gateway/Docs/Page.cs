using System.Security.Cryptography;
using Souk.Gateway.Http;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Docs;

/// <summary>A body that never changes while the process lives, shrunk once and known by its tag.</summary>
internal sealed class Page
{
    // All that a page needs comes from here; nothing may be framed, sent elsewhere or run inline.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const int TagBytes = 12;

    private readonly string _type;
    private readonly byte[] _body;
    private readonly byte[]? _brotli;
    private readonly string _tag;

    public Page(string mediaType, byte[] body)
    {
        (_type, _body) = ($"{mediaType}; charset=utf-8", body);
        using var packed = new PooledBuffer();
        _brotli = Compression.TryCompress("br", body, packed) is null ? null : packed.Written.ToArray();
        _tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, TagBytes))}\"";
    }

    public Task SendAsync(HttpContext context)
    {
        var response = context.Response;
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.CacheControl = "public, max-age=300";
        response.Headers.Vary = "Accept-Encoding, Origin";
        response.Headers.ETag = _tag;
        if (ReplyHeaders.Matches(context.Request.Headers.IfNoneMatch.ToString(), _tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        var packed = Compression.Accepts(context.Request.Headers.AcceptEncoding.ToString(), "br")
            ? _brotli
            : null;
        if (packed is not null)
            response.Headers.ContentEncoding = "br";
        var body = packed ?? _body;
        response.ContentType = _type;
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
