using Souk.Gateway.Calls;
using Souk.Gateway.Errors;

namespace Souk.Gateway.Streams;

/// <summary>Where the messages of a stream go. Each write waits until the reader has room for it.</summary>
internal abstract class StreamSink
{
    /// <summary>Whether the reader has been told anything, so that an error can only come last.</summary>
    public abstract bool HasStarted { get; }

    /// <summary>Sends the reply's message at hand.</summary>
    public abstract ValueTask WriteAsync(GrpcReply reply, CancellationToken token);

    /// <summary>Shows that the stream is alive while there is nothing to say.</summary>
    public abstract ValueTask BeatAsync(CancellationToken token);

    /// <summary>Ends the stream, with an error or well.</summary>
    public abstract ValueTask EndAsync(Problem? problem, CancellationToken token);
}
