using System.Buffers.Binary;
using System.Net.Http.Headers;
using Google.Rpc;
using Souk.Gateway.Transcoding;
using Souk.Shared.Connections;

namespace Souk.Gateway.Calls;

/// <summary>The answer of a stream: its messages one after the other, then how it ended.</summary>
internal sealed class GrpcReply(HttpResponseMessage response, Lane lane) : IDisposable
{
    /// <summary>Larger messages of services are refused.</summary>
    public const int MessageBytesMax = 4 * 1024 * 1024;

    private const int ReadBytes = 4096;

    private readonly PooledBuffer _buffer = new();
    private Stream? _stream;
    private int _start;
    private int _next;
    private bool _isComplete;

    /// <summary>What is given back with the reply: the stream's place under the load limit.</summary>
    public IDisposable? Place { private get; set; }

    /// <summary>The message at hand, valid until the next one is asked for.</summary>
    public ReadOnlySpan<byte> Message => _buffer.Written[_start.._next];

    /// <summary>The message at hand with its prefix.</summary>
    public ReadOnlyMemory<byte> Frame => _buffer.WrittenMemory[(_start - GrpcCall.PrefixBytes).._next];

    /// <summary>Whether it ended as it began: without a message, and with its trailers as headers.</summary>
    public bool IsOver => response.Headers.NonValidated.Contains("grpc-status");

    /// <summary>What the service says before its messages.</summary>
    public IEnumerable<KeyValuePair<string, string>> Leading => Plain(response.Headers);

    /// <summary>What the service says after its messages.</summary>
    public IEnumerable<KeyValuePair<string, string>> Trailing => Plain(response.TrailingHeaders);

    /// <summary>
    /// Reads the next message; false when there is none, and then <see cref="Ending"/> tells why.
    /// </summary>
    public async ValueTask<bool> NextAsync(CancellationToken token)
    {
        Drop();
        while (!TryFrame())
        {
            if (_isComplete)
                return _buffer.Length == 0
                    ? false
                    : throw new InvalidDataException("The reply ends within a message.");
            await FillAsync(token);
        }
        return true;
    }

    /// <summary>
    /// Reads what is left until the end, so that the trailers are there.
    /// </summary>
    public async ValueTask FinishAsync(CancellationToken token)
    {
        while (!_isComplete)
            await FillAsync(token);
    }

    /// <summary>The call's status, once all is read.</summary>
    public Status Ending() => GrpcStatus.Of(response);

    public void Dispose()
    {
        _buffer.Dispose();
        response.Dispose();
        Place?.Dispose();
        if (_isComplete)
            lane.Leave();
        else
            lane.GiveUp();
    }

    private void Drop()
    {
        if (_next == 0)
            return;
        var rest = _buffer.Length - _next;
        _buffer.Written[_next..].CopyTo(_buffer.At(0, rest));
        _buffer.Truncate(rest);
        (_start, _next) = (0, 0);
    }

    private bool TryFrame()
    {
        if (FrameLength(_buffer.Written) is not { } length)
            return false;
        (_start, _next) = (GrpcCall.PrefixBytes, length);
        return true;
    }

    /// <summary>A message is larger than <see cref="MessageBytesMax"/>; a repeat would not help.</summary>
    public static InvalidDataException TooLarge() =>
        new($"The reply is larger than {MessageBytesMax} bytes.");

    /// <summary>
    /// The length of the first message with its prefix; null while it is not all there. An
    /// InvalidDataException when it is one that we do not take.
    /// </summary>
    public static int? FrameLength(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < GrpcCall.PrefixBytes)
            return null;
        if (bytes[0] != 0)
            throw new InvalidDataException("The reply is compressed, which was not offered.");
        var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]);
        if (length > MessageBytesMax)
            throw TooLarge();
        return bytes.Length < GrpcCall.PrefixBytes + (int)length ? null : GrpcCall.PrefixBytes + (int)length;
    }

    private static IEnumerable<KeyValuePair<string, string>> Plain(HttpHeaders headers) =>
        headers.NonValidated.Select(header => KeyValuePair.Create(header.Key, header.Value.ToString()));

    private async ValueTask FillAsync(CancellationToken token)
    {
        try
        {
            _stream ??= await response.Content.ReadAsStreamAsync(token);
            var read = await _stream.ReadAsync(_buffer.GetMemory(ReadBytes), token);
            _buffer.Advance(read);
            _isComplete = read == 0;
        }
        catch (IOException)
        {
            // As in Backend: a call that is given up while it runs can look like a lost connection.
            token.ThrowIfCancellationRequested();
            throw;
        }
    }
}
