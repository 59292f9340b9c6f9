using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Souk.Bench.Sidecar;

/// <summary>
/// Redis without a runtime in between, each command on a connection that no other uses meanwhile: the best
/// that the server, its disk and this machine allow.
/// </summary>
internal sealed class PlainRedis(string address) : IDisposable
{
    private const int ValueLength = 500;
    private static readonly byte[] Set = Command("SET", "bench-plain", new string('x', ValueLength));
    private static readonly byte[] Get = Command("GET", "bench-plain");
    private static readonly int SetAnswer = "+OK\r\n".Length;
    private static readonly int GetAnswer = $"${ValueLength}\r\n".Length + ValueLength + "\r\n".Length;

    private readonly IPEndPoint _server = IPEndPoint.Parse(address);
    private readonly ConcurrentBag<Socket> _idle = [];

    public Task SetAsync(CancellationToken cancellation) => AskAsync(Set, SetAnswer, cancellation);

    public Task GetAsync(CancellationToken cancellation) => AskAsync(Get, GetAnswer, cancellation);

    public void Dispose()
    {
        while (_idle.TryTake(out var socket))
            socket.Dispose();
    }

    private async Task AskAsync(byte[] command, int answerLength, CancellationToken cancellation)
    {
        if (!_idle.TryTake(out var socket))
        {
            socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(_server, cancellation);
        }

        await socket.SendAsync(command, cancellation);
        var answer = new byte[answerLength];
        for (var read = 0; read < answerLength; )
        {
            var some = await socket.ReceiveAsync(answer.AsMemory(read), cancellation);
            read += some > 0 ? some : throw new OperationFailedException("Redis hung up");
        }

        if (answer[0] == (byte)'-')
            throw new OperationFailedException(Encoding.UTF8.GetString(answer));
        _idle.Add(socket);
    }

    private static byte[] Command(params string[] words) =>
        Encoding.UTF8.GetBytes(
            $"*{words.Length}\r\n" + string.Concat(words.Select(word => $"${word.Length}\r\n{word}\r\n"))
        );
}
