using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Souk.Bench.Gateway;

/// <summary>What a closed loop of connections reached.</summary>
internal sealed record RawResult(long Done, TimeSpan Elapsed, IReadOnlyList<double> Latencies)
{
    public double PerSecond => Done / Elapsed.TotalSeconds;
}

/// <summary>
/// HTTP/1.1 over bare sockets: each connection sends its request again as soon as the answer is there. Costs
/// next to nothing, which matters where client and server share two cores.
/// </summary>
internal sealed class RawLoad(int port, string path)
{
    private const int Connections = 32;
    private const int BufferBytes = 64 * 1024;

    private readonly byte[] _request = Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n"
    );

    /// <summary>One answer's body.</summary>
    public async Task<string> OneAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}{path}"), cancellation);
    }

    public async Task<RawResult> RunAsync(TimeSpan duration, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        var loops = Enumerable.Range(0, Connections).Select(_ => LoopAsync(start, duration, cancellation));
        var latencies = await Task.WhenAll(loops.ToArray());
        var elapsed = Stopwatch.GetElapsedTime(start);
        return new RawResult(
            latencies.Sum(own => (long)own.Count),
            elapsed,
            [.. latencies.SelectMany(own => own)]
        );
    }

    private async Task<List<double>> LoopAsync(long start, TimeSpan duration, CancellationToken cancellation)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancellation);
        var buffer = new byte[BufferBytes];
        var latencies = new List<double>();
        while (Stopwatch.GetElapsedTime(start) < duration)
        {
            var sent = Stopwatch.GetTimestamp();
            await socket.SendAsync(_request, cancellation);
            await ReadAnswerAsync(socket, buffer, cancellation);
            latencies.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
        }
        return latencies;
    }

    private static async ValueTask ReadAnswerAsync(
        Socket socket,
        byte[] buffer,
        CancellationToken cancellation
    )
    {
        var length = 0;
        do
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(length), cancellation);
            if (read == 0)
                throw new IOException("The server closed the connection.");
            length += read;
        } while (Http1Answer.LengthOf(buffer.AsSpan(0, length)) is null);
        var answer = buffer.AsSpan(0, length);
        if (!answer.StartsWith("HTTP/1.1 200"u8))
            throw new OperationFailedException(Encoding.ASCII.GetString(answer[..Math.Min(length, 600)]));
    }
}
