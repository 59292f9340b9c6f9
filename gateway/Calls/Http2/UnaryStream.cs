using System.Buffers;
using System.Globalization;
using System.Threading.Tasks.Sources;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// One call on a connection: what is still to be sent of it, and what came of its answer. The connection
/// writes it under its lock until the call has ended; whoever waits reads it after that.
/// </summary>
internal sealed class UnaryStream(GrpcCall call) : IValueTaskSource
{
    private static readonly SearchValues<char> NameChars = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
    );

    private static readonly SearchValues<char> NeverInValues = SearchValues.Create("\0\r\n");

    // Callers go on on other threads: this one reads for all calls of the connection, which must not wait
    // until one caller has been served.
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private Exception? _failure;

    public GrpcCall Call => call;

    /// <summary>The connection that it was sent on.</summary>
    public Http2Connection? Connection { get; set; }

    public int Id { get; set; }

    /// <summary>Bytes of the message that are sent already.</summary>
    public int Sent { get; set; }

    /// <summary>How many more bytes the server allows us to send on this stream.</summary>
    public long Window { get; set; }

    /// <summary>Whether the message is sent to its end.</summary>
    public bool IsSent => Sent == call.Message.Length;

    /// <summary>The body of the answer: a message with its prefix.</summary>
    public PooledBuffer Body { get; } = new();

    /// <summary>The answer's HTTP status; 0 before it began.</summary>
    public int HttpStatus { get; private set; }

    public HeaderList Leading { get; } = [];

    /// <summary>The trailers; null before they come, and for an answer of nothing but headers.</summary>
    public HeaderList? Trailing { get; private set; }

    /// <summary>Ends with the answer.</summary>
    public ValueTask Answered => new(this, _core.Version);

    /// <summary>Takes a block of headers: the answer's, or its trailers.</summary>
    public void Take(ReadOnlySpan<byte> block, bool isLast)
    {
        if (HttpStatus > 0)
        {
            if (!isLast || Trailing is not null)
                throw new InvalidDataException("The answer has headers within its body.");
            Read(block, Trailing = []);
            return;
        }
        if (
            !int.TryParse(Read(block, Leading), CultureInfo.InvariantCulture, out var status)
            || status is < 100 or > 999
        )
            throw new InvalidDataException("The answer has no status.");
        // 1xx: the answer itself is still to come.
        if (status < 200)
            Leading.Clear();
        else
            HttpStatus = status;
    }

    /// <summary>Notes why the call failed, or null for an answer, until <see cref="Tell"/>.</summary>
    public void End(Exception? failure) => _failure = failure;

    /// <summary>Lets whoever waits for the answer go on. Not under the connection's lock.</summary>
    public void Tell()
    {
        if (_failure is { } failure)
            _core.SetException(failure);
        else
            _core.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Appends the headers, and returns HTTP/2's pseudo-header ":status".</summary>
    private static string Read(ReadOnlySpan<byte> block, HeaderList target)
    {
        HpackReader.Read(block, target);
        var status = target.Value(":status");
        target.RemoveAll(header => header.Key.StartsWith(':'));
        foreach (var (name, value) in target)
        {
            if (
                name.Length == 0
                || name.AsSpan().ContainsAnyExcept(NameChars)
                || value.AsSpan().ContainsAny(NeverInValues)
            )
                throw new InvalidDataException("The answer has an invalid header.");
        }
        return status;
    }
}
