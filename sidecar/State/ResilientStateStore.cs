using Polly;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.State;

/// <summary>
/// A store under the outbound policy of its component. A conflict is an answer, not a failure: it is neither
/// retried nor counted.
/// </summary>
internal sealed class ResilientStateStore(IStateStore inner, TargetPolicy policy) : IStateStore
{
    private readonly ResiliencePipeline<StateValue?> _get = policy.For<StateValue?>(Judge);
    private readonly ResiliencePipeline<IReadOnlyDictionary<string, StateValue>> _getMany = policy.For<
        IReadOnlyDictionary<string, StateValue>
    >(Judge);
    private readonly ResiliencePipeline<bool> _change = policy.For<bool>(Judge);

    public IReadOnlyList<string> Capabilities => inner.Capabilities;

    public TimeSpan Timeout => inner.Timeout;

    public Task<StateValue?> GetAsync(string key, CancellationToken cancellation) =>
        _get.ExecuteAsync(async token => await inner.GetAsync(key, token), cancellation).AsTask();

    public Task<IReadOnlyDictionary<string, StateValue>> GetManyAsync(
        IReadOnlyCollection<string> keys,
        CancellationToken cancellation
    ) => _getMany.ExecuteAsync(async token => await inner.GetManyAsync(keys, token), cancellation).AsTask();

    public Task ApplyAsync(StateChange change, CancellationToken cancellation) =>
        ChangeAsync(token => inner.ApplyAsync(change, token), cancellation);

    public Task TransactAsync(IReadOnlyList<StateChange> changes, CancellationToken cancellation) =>
        ChangeAsync(token => inner.TransactAsync(changes, token), cancellation);

    // The store itself belongs to the component set, which other apps share.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task ChangeAsync(Func<CancellationToken, Task> change, CancellationToken cancellation) =>
        await _change.ExecuteAsync(
            async token =>
            {
                await change(token);
                return true;
            },
            cancellation
        );

    private static Failure? Judge<T>(Outcome<T> outcome) =>
        outcome.Exception
            is null
                or EtagMismatchException
                or EtagInvalidException
                or StateStoreException
                or OperationCanceledException
            ? null
            : new Failure();
}
