using System.IO.Pipelines;
using Microsoft.Extensions.Primitives;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar.Invoke;

/// <summary>A request on its way to an app. Path and query are as the caller wrote them.</summary>
internal sealed record InvokeMessage(string Verb, string Path, string Query, InvokeBody Body)
{
    /// <summary>What the app is to see, without what belongs to the caller's connection.</summary>
    public required IReadOnlyList<KeyValuePair<string, StringValues>> Headers { get; init; }

    public string PathAndQuery => Query.Length == 0 ? Path : $"{Path}?{Query}";

    public string ContentType =>
        Headers.FirstOrDefault(header => ForwardedHeaders.Is(header.Key, "content-type")).Value.ToString();

    /// <summary>Gives a request the headers and, if there is one, the body of this message.</summary>
    public void Fill(HttpRequestMessage request)
    {
        request.Content = Body.ToContent();
        // Without a body its type would have no place, and an app may look at it.
        if (request.Content is null && ContentType.Length > 0)
            request.Content = new ByteArrayContent([]);
        foreach (var (name, values) in Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }
}

/// <summary>
/// A message's body: it flows through unread, or is read whole for a target that needs it so or may be tried
/// again.
/// </summary>
internal sealed class InvokeBody
{
    private readonly PipeReader? _source;
    private ReadOnlyMemory<byte>? _whole;
    private ForwardedProgress? _flowing;

    private InvokeBody(PipeReader? source, ReadOnlyMemory<byte>? whole)
    {
        _source = source;
        _whole = whole;
    }

    /// <summary>Some of it may be gone: there is no second attempt.</summary>
    public bool IsSpent => _whole is null && _flowing is { HasStarted: true };

    public static InvokeBody None { get; } = new(null, null);

    public static InvokeBody Of(ReadOnlyMemory<byte> whole) => new(null, whole);

    public static InvokeBody From(PipeReader source) => new(source, null);

    public HttpContent? ToContent()
    {
        if (_whole is { } whole)
            return new ReadOnlyMemoryContent(whole);
        if (_source is null)
            return null;
        var content = new ForwardedBody(_source);
        _flowing = content.Progress;
        return content;
    }

    /// <summary>Reads it whole. The server ends a request that is longer than its limit.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        if (_whole is { } whole)
            return whole;
        _whole = _source is null ? ReadOnlyMemory<byte>.Empty : await _source.ReadWholeAsync(cancellation);
        return _whole.Value;
    }

    /// <summary>Waits until nobody reads the caller's body any more. Never fails.</summary>
    public Task UntilDoneAsync() => _flowing?.UntilDoneAsync() ?? Task.CompletedTask;
}
