namespace Souk.Sidecar.Invoke;

/// <summary>
/// The way to a target of an invocation. Whatever the target speaks, its answer is an HTTP response.
/// </summary>
internal interface IInvokeLine
{
    /// <summary>The target takes whole messages only.</summary>
    bool NeedsWholeBody { get; }

    /// <summary>Waits for a place among the calls that the target takes at once.</summary>
    ValueTask<AppChannel.Place> EnterAsync(CancellationToken cancellation);

    /// <summary>
    /// Sends, and returns with the headers of the answer. Fails with HttpRequestException when nobody
    /// answers.
    /// </summary>
    Task<HttpResponseMessage> SendAsync(InvokeMessage message, CancellationToken cancellation);
}
