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

    // On another thread: this one reads for others, who must not wait until a caller is served.
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private Exception? _failure;

    public GrpcCall Call => call;

    /// <summary>Where it was sent.</summary>
    public Http2Connection? Connection { get; set; }

    public int Id { get; set; }

    /// <summary>Bytes of the message that are sent already.</summary>
    public int Sent { get; set; }

    /// <summary>How much more the server takes of this stream.</summary>
    public long Window { get; set; }

    /// <summary>Whether the message is sent to its end.</summary>
    public bool IsSent => Sent == call.Message.Length;

    /// <summary>The body of the answer: a message with its prefix.</summary>
    public PooledBuffer Body { get; } = new();

    /// <summary>The answer's HTTP status; 0 before it began.</summary>
    public int HttpStatus { get; private set; }

    public HeaderList Leading { get; } = [];

    /// <summary>Null while there are none, or when the answer had nothing but headers.</summary>
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
        // What is only on the way is not the answer.
        if (status < 200)
            Leading.Clear();
        else
            HttpStatus = status;
    }

    /// <summary>Notes how it ended, for <see cref="Tell"/>.</summary>
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

    /// <summary>Appends the headers, and returns the status that HTTP/2 puts before them.</summary>
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
                throw new InvalidDataException("The answer has a header that none can be.");
        }
        return status;
    }
}
