using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Souk.Tests.Gateway;

/// <summary>
/// What Kestrel's reader of a body does once the caller has reset the stream: it throws wherever it is asked
/// next, which may be before the request itself is known to be over.
/// </summary>
internal sealed class LeftBody(bool isBetweenReads) : PipeReader, IRequestBodyPipeFeature
{
    public PipeReader Reader => this;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        isBetweenReads
            ? new(new ReadResult(new ReadOnlySequence<byte>(new byte[5]), false, isCompleted: true))
            : throw new TaskCanceledException("The request was aborted.");

    public override void AdvanceTo(SequencePosition consumed) =>
        throw new IOException("The client reset the request stream.");

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) =>
        AdvanceTo(consumed);

    public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

    public override void CancelPendingRead() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null) { }
}
