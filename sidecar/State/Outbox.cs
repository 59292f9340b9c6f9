using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.State;

/// <summary>
/// The transactional outbox of one app and one store. Before a transaction runs, its events go to an internal
/// topic, and a marker row for each joins the transaction; an event whose marker turns up was committed and
/// goes on to the real topic, the others die. The marker is the truth; what this process knows of its own
/// transactions only saves waiting.
/// </summary>
internal sealed partial class Outbox(
    SidecarApp app,
    StateComponent component,
    OutboxSettings settings,
    TimeProvider clock,
    ILogger<Outbox> logger
) : IAsyncDisposable
{
    private static readonly TimeSpan DiscardAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookMin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LookMax = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<string, TaskCompletionSource<Fate>> _running = new(
        StringComparer.Ordinal
    );
    private ISubscription? _subscription;

    private enum Fate
    {
        Committed,
        RolledBack,
        Unknown,
    }

    /// <summary>Starts to pass on events, also those that an earlier life of this sidecar left.</summary>
    public void Start()
    {
        var pubSub = Require(settings.InternalPubSub);
        Require(settings.PubSub);
        _subscription = pubSub.Broker.Subscribe(
            settings.InternalTopic(app),
            pubSub.ConsumerOf(app),
            PassOnAsync
        );
    }

    /// <summary>
    /// Runs a transaction and publishes one event for each entry, if and only if it commits.
    /// </summary>
    public async Task TransactAsync(
        List<StateChange> changes,
        IReadOnlyList<EventDraft> events,
        CancellationToken cancellation
    )
    {
        var ids = new List<string>(events.Count);
        var result = Fate.Unknown;
        try
        {
            // Whoever has the event waits only so long for its marker: a transaction, with all its attempts,
            // may not come later than that.
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(Budget);
            foreach (var draft in events)
                ids.Add(await AnnounceAsync(draft, limit.Token));
            changes.AddRange(ids.Select(id => new StateChange(MarkerOf(id), "0"u8.ToArray())));
            await component.Store.TransactAsync(changes, limit.Token);
            result = Fate.Committed;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"the transaction took longer than {Budget.TotalSeconds} s", e);
        }
        catch (Exception e) when (e is EtagMismatchException or StateStoreException or OutboxPublishException)
        {
            result = Fate.RolledBack;
            throw;
        }
        finally
        {
            foreach (var id in ids)
            {
                if (_running.TryRemove(id, out var fate))
                    fate.SetResult(result);
            }
        }
    }

    /// <summary>Takes no more events, and passes on those at hand whose transactions are through.</summary>
    public Task DrainAsync() => _subscription?.DrainAsync() ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_subscription is not null)
            await _subscription.DisposeAsync();
    }

    private TimeSpan Budget =>
        component.Store.Timeout < DiscardAfter || !settings.DiscardWhenMissing
            ? component.Store.Timeout
            : DiscardAfter;

    private static string MarkerOf(string id) => "outbox-" + id;

    private PubSubComponent Require(string name) =>
        app.Components.PubSub(name)
        ?? throw component.Spec.Error(
            "outboxPublishPubsub",
            $"names '{name}', which is not a pub/sub of {app.AppId}"
        );

    private async Task<string> AnnounceAsync(EventDraft draft, CancellationToken cancellation)
    {
        var id = Guid.CreateVersion7(clock.GetUtcNow()).ToString();
        var extra = new Dictionary<string, string>(
            draft.Extra ?? TopicRoute.NoMetadata,
            StringComparer.Ordinal
        )
        {
            ["id"] = id,
        };
        var envelope = CloudEvents.Wrap(draft with { Extra = extra }, clock);
        _running[id] = new TaskCompletionSource<Fate>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await Require(settings.InternalPubSub)
                .Broker.PublishAsync(
                    settings.InternalTopic(app),
                    envelope,
                    TopicRoute.NoMetadata,
                    cancellation
                );
        }
        catch (Exception e)
        {
            _running.TryRemove(id, out _);
            throw new OutboxPublishException(e);
        }
        return id;
    }

    private async Task<Handled> PassOnAsync(BrokerMessage message, Ending ending)
    {
        var id = IdOf(message);
        if (!await WasCommittedAsync(id, ending))
        {
            LogDiscarded(logger, id, settings.Topic);
            return Handled.Drop;
        }
        await RepeatAsync(
            () =>
                Require(settings.PubSub)
                    .Broker.PublishAsync(settings.Topic, message.Data, message.Metadata, ending.Cut),
            ending
        );
        await RepeatAsync(
            () => component.Store.ApplyAsync(new StateChange(MarkerOf(id), null), ending.Cut),
            ending
        );
        return Handled.Success;
    }

    private async Task<bool> WasCommittedAsync(string id, Ending ending)
    {
        if (_running.TryGetValue(id, out var running))
        {
            var fate = await running.Task.WaitAsync(ending.Cut);
            if (fate == Fate.Committed)
                return true;
            // Not every store takes back what a failed transaction wrote, so the marker is asked even then.
            if (fate == Fate.RolledBack && await FindMarkerAsync(id, ending.Cut) is { } written)
                return written;
        }
        // A transaction that outlived its sidecar may still commit within the store's own limit.
        var patience = settings.DiscardWhenMissing ? DiscardAfter : DiscardAfter + Budget;
        var started = clock.GetTimestamp();
        var pause = LookMin;
        while (true)
        {
            var late = clock.GetElapsedTime(started) > patience;
            if (await FindMarkerAsync(id, ending.Cut) is { } found && (found || late))
                return found;
            await Task.Delay(pause, clock, ending.Draining);
            pause = pause * 2 < LookMax ? pause * 2 : LookMax;
        }
    }

    // Null when the store cannot say: silence is no proof that there is no marker.
    private async Task<bool?> FindMarkerAsync(string id, CancellationToken cancellation)
    {
        try
        {
            return await component.Store.GetAsync(MarkerOf(id), cancellation) is not null;
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            LogWaiting(logger, id, settings.Topic, e.Message);
            return null;
        }
    }

    // A committed event has to go out however long the broker is away; the message stays pending meanwhile.
    private async Task RepeatAsync(Func<Task> step, Ending ending)
    {
        for (var pause = LookMin; ; pause = pause * 2 < LookMax ? pause * 2 : LookMax)
        {
            try
            {
                await step();
                return;
            }
            catch (Exception e) when (!ending.Cut.IsCancellationRequested)
            {
                LogWaiting(logger, "", settings.Topic, e.Message);
                await Task.Delay(pause, clock, ending.Draining);
            }
        }
    }

    private static string IdOf(BrokerMessage message)
    {
        using var document = JsonDocument.Parse(message.Data);
        return document.RootElement.GetProperty("id").GetString()
            ?? throw new InvalidOperationException("an outbox event has no id");
    }

    [LoggerMessage(LogLevel.Information, "Outbox event {Id} for {Topic} was not committed and is discarded")]
    private static partial void LogDiscarded(ILogger logger, string id, string topic);

    [LoggerMessage(LogLevel.Warning, "Outbox event {Id} for {Topic} waits: {Reason}")]
    private static partial void LogWaiting(ILogger logger, string id, string topic, string reason);
}

/// <summary>The internal topic did not take an event, so the transaction did not run.</summary>
internal sealed class OutboxPublishException(Exception cause) : Exception(cause.Message, cause);
