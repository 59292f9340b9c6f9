namespace Grpc.Core;

/// <summary>Messages that arrive one after the other. One read at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last successful <see cref="MoveNext" /> brought.</summary>
    T Current { get; }

    /// <summary>Waits for the next message; false at the end of the stream.</summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>Messages that leave one after the other. One write at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>How the following messages are written.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Writes a message; done when the stream can take the next one.</summary>
    Task WriteAsync(T message);

    /// <summary>Writes a message and ends the call when the token is cancelled before that is done.</summary>
    Task WriteAsync(T message, CancellationToken cancellationToken) =>
        // A writer that overrides only the older method cannot honour a token: better refused than ignored.
        cancellationToken.CanBeCanceled
            ? Task.FromException(new NotSupportedException("This writer does not take a cancellation token."))
            : WriteAsync(message);
}

/// <summary>The requests of a call whose client streams.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>Says that no further request follows.</summary>
    Task CompleteAsync();
}

/// <summary>The responses of a call whose server streams; the stream ends when the handler returns.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>;

/// <summary>Shorthand for readers.</summary>
public static class AsyncStreamReaderExtensions
{
    /// <summary>Waits for the next message without a token.</summary>
    public static Task<bool> MoveNext<T>(this IAsyncStreamReader<T> streamReader)
    {
        ArgumentNullException.ThrowIfNull(streamReader);
        return streamReader.MoveNext(CancellationToken.None);
    }
}
