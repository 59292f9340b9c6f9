namespace Souk.Ordering;

/// <summary>How far a checkout has come, as its buyer's call waits for it.</summary>
internal enum CheckoutStage
{
    /// <summary>The stock is held, or can never be.</summary>
    StockDecided = 1,

    /// <summary>The order has its final status.</summary>
    Final = 2,
}

/// <summary>
/// Wakes calls that wait for a checkout when its steps run in this process, which is nearly always. Only a
/// shortcut: the order's row is the truth, and a waiter looks at it from time to time for steps that ran in
/// another replica.
/// </summary>
internal sealed class CheckoutSignals(TimeProvider clock)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);
    private readonly TimeProvider _clock = clock;
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Waiters> _waiters = [];

    /// <summary>Tells that a checkout has come this far.</summary>
    public void Reached(Guid orderId, CheckoutStage stage)
    {
        lock (_gate)
        {
            if (_waiters.TryGetValue(orderId, out var waiters))
                waiters.Reached(stage);
        }
    }

    /// <summary>
    /// Starts to listen; must come before the checkout is started, or its signal is missed.
    /// </summary>
    public Waiters Listen(Guid orderId)
    {
        lock (_gate)
        {
            if (!_waiters.TryGetValue(orderId, out var waiters))
                _waiters.Add(orderId, waiters = new Waiters(this, orderId));
            waiters.Listeners++;
            return waiters;
        }
    }

    private void Leave(Waiters waiters)
    {
        lock (_gate)
        {
            if (--waiters.Listeners == 0)
                _waiters.Remove(waiters.OrderId);
        }
    }

    /// <summary>Those who wait for one checkout.</summary>
    internal sealed class Waiters(CheckoutSignals owner, Guid orderId) : IDisposable
    {
        private readonly TaskCompletionSource _stockDecided = new(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        private readonly TaskCompletionSource _final = new(
            TaskCreationOptions.RunContinuationsAsynchronously
        );

        internal Guid OrderId => orderId;

        internal int Listeners { get; set; }

        /// <summary>
        /// Waits until the order's row is worth another look: until the stage is reached, or for half a
        /// second.
        /// </summary>
        /// <param name="wasReached">Whether the stage had been reached before the row was last read. Then
        /// that is no news any more, and only the half second ends the wait.</param>
        /// <returns>Whether the stage is reached by now, for the next call.</returns>
        public async Task<bool> NextLookAsync(
            CheckoutStage stage,
            bool wasReached,
            TimeSpan most,
            CancellationToken cancellationToken
        )
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var pause = Task.Delay(most < LookAgain ? most : LookAgain, owner._clock, over.Token);
            await (wasReached ? Task.WhenAny(pause) : Task.WhenAny(SourceOf(stage).Task, pause));
            await over.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            return HasReached(stage);
        }

        /// <summary>Whether this process has seen the stage.</summary>
        public bool HasReached(CheckoutStage stage) => SourceOf(stage).Task.IsCompleted;

        public void Dispose() => owner.Leave(this);

        internal void Reached(CheckoutStage stage)
        {
            _stockDecided.TrySetResult();
            if (stage == CheckoutStage.Final)
                _final.TrySetResult();
        }

        private TaskCompletionSource SourceOf(CheckoutStage stage) =>
            stage == CheckoutStage.Final ? _final : _stockDecided;
    }
}
