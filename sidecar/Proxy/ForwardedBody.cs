using System.IO.Pipelines;
using System.Net;

namespace Souk.Sidecar.Proxy;

/// <summary>
/// A request body that flows from the caller's connection straight into the app's, segment by segment. It
/// never looks into the bytes, and flushes only when the caller pauses.
/// </summary>
internal sealed class ForwardedBody(PipeReader source) : HttpContent
{
    /// <summary>How far it is; good for longer than the content itself.</summary>
    public ForwardedProgress Progress { get; } = new();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken
    )
    {
        Progress.Start();
        try
        {
            await CopyAsync(stream, cancellationToken);
        }
        finally
        {
            Progress.End();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    private async Task CopyAsync(Stream stream, CancellationToken cancellation)
    {
        var reading = source.ReadAsync(cancellation);
        while (true)
        {
            var result = await reading;
            foreach (var segment in result.Buffer)
                await stream.WriteAsync(segment, cancellation);
            source.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return;
            reading = source.ReadAsync(cancellation);
            if (!reading.IsCompleted)
                await stream.FlushAsync(cancellation);
        }
    }
}

/// <summary>How far a forwarded body is.</summary>
internal sealed class ForwardedProgress
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Something may have reached the app: the call cannot be made again.</summary>
    public bool HasStarted { get; private set; }

    public void Start() => HasStarted = true;

    public void End() => _done.TrySetResult();

    /// <summary>Waits until nobody reads the caller's body any more. Never fails.</summary>
    public Task UntilDoneAsync() => HasStarted ? _done.Task : Task.CompletedTask;
}
