using System.Collections.Concurrent;
using Souk.Gateway.Http;
using Souk.Shared;
using Souk.Type;
using Status = Google.Rpc.Status;

namespace Souk.Gateway.Streams;

/// <summary>
/// The streams that are open. A stream costs one call of a caller's rate but lasts, so a caller's open ones
/// are counted, too; and as it would outlast the time that a stopping process has, it ends then, to go on
/// elsewhere.
/// </summary>
internal sealed class OpenStreams(GatewaySettings settings, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, int> _open = new(StringComparer.Ordinal);

    /// <summary>Ends every stream.</summary>
    public CancellationToken Stopping => lifetime.ApplicationStopping;

    /// <summary>
    /// Takes a slot until the result is disposed; RESOURCE_EXHAUSTED when there is none left.
    /// </summary>
    public IDisposable Take(Exchange exchange)
    {
        var key = exchange.Caller.IsAnonymous ? exchange.ClientAddress : exchange.Caller.UserId;
        if (_open.AddOrUpdate(key, 1, static (_, open) => open + 1) <= settings.StreamsPerCaller)
            return new Slot(this, key);
        Leave(key);
        throw Fault.ResourceExhausted(Reason.RateLimited, "Too many open streams.", RetryAfter);
    }

    /// <summary>What a stream's reader is told of an error; null for what nobody foresaw.</summary>
    public Status? StatusOf(Exception error, bool isGone) =>
        error is OperationCanceledException && Stopping.IsCancellationRequested && !isGone
            ? Fault.StatusOf(
                Fault.Unavailable(
                    Reason.DependencyUnavailable,
                    "This gateway stops; connect again.",
                    RetryAfter
                )
            )
            : Failures.StatusOf(error, isGone);

    private void Leave(string key)
    {
        // Nobody's entry stays: a number that reaches zero is removed unless somebody came meanwhile.
        if (_open.AddOrUpdate(key, 0, static (_, open) => open - 1) == 0)
            _open.TryRemove(new KeyValuePair<string, int>(key, 0));
    }

    private sealed class Slot(OpenStreams streams, string key) : IDisposable
    {
        private int _isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLeft, 1) == 0)
                streams.Leave(key);
        }
    }
}
