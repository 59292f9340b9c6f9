using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Souk.Sidecar.Api.Http;

/// <summary>
/// The HTTP port speaks version 1.1, and version 2 without TLS to clients that begin with it. Kestrel decides
/// this for a port, not for a connection: who opens with HTTP/2's preface is handed to a listener that knows
/// nothing else.
/// </summary>
internal sealed class H2cSwitch(H2cEndPoint http2, TimeProvider clock)
{
    // As long as Kestrel waits for a connection's next request.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(130);

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate http1)
    {
        bool isHttp2;
        try
        {
            isHttp2 = await OpensWithPrefaceAsync(connection);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // It went away, or never said a word.
            return;
        }
        if (isHttp2)
            await http2.ServeAsync(connection);
        else
            await http1(connection);
    }

    private async Task<bool> OpensWithPrefaceAsync(ConnectionContext connection)
    {
        using var silence = new CancellationTokenSource(SilenceMax, clock);
        var input = connection.Transport.Input;
        while (true)
        {
            var result = await input.ReadAsync(silence.Token);
            var buffer = result.Buffer;
            var length = (int)Math.Min(buffer.Length, Preface.Length);
            var isLikeIt = buffer.Slice(0, length).ToArray().AsSpan().SequenceEqual(Preface[..length]);
            var isDecided = !isLikeIt || length == Preface.Length || result.IsCompleted;
            // Nothing is consumed: whoever serves the connection reads it from its first byte.
            input.AdvanceTo(buffer.Start, isDecided ? buffer.Start : buffer.End);
            if (isDecided)
                return isLikeIt && length == Preface.Length;
        }
    }
}

/// <summary>Marks the connections to the HTTP port, whichever version of HTTP they speak.</summary>
internal sealed class HttpPortMark
{
    public static HttpPortMark Mark { get; } = new();

    /// <summary>HTTP/2 means gRPC everywhere but on the HTTP port.</summary>
    public static bool IsGrpc(HttpContext context) =>
        HttpProtocol.IsHttp2(context.Request.Protocol) && context.Features.Get<HttpPortMark>() is null;
}
