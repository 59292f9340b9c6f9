using System.Diagnostics;
using Google.Protobuf;

namespace Souk.Shared;

/// <summary>
/// Events that commit with their state change. Adding one writes a row with the commit; a publisher in the
/// background hands the rows to the broker and deletes them, so an event is published at least once if and
/// only if its change committed.
/// </summary>
public sealed class Outbox : IDisposable
{
    private static readonly JsonFormatter Json = new(
        JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true)
    );

    private readonly SemaphoreSlim _committed = new(0, 1);

    /// <summary>Publishes the event on the topic once the transaction has committed.</summary>
    /// <returns>The event's id, which consumers use to recognise repeats.</returns>
    public Guid Add(DbTransaction tx, string topic, IMessage message)
    {
        var id = Ids.New(tx.Clock);
        tx.Defer(
            AddSql,
            [
                id,
                topic,
                message.Descriptor.FullName,
                Json.Format(message),
                Activity.Current?.Id,
                tx.Clock.GetUtcNow(),
            ]
        );
        tx.AfterCommit(Wake);
        return id;
    }

    private const string AddSql = """
        insert into outbox (event_id, topic, type, data, trace_parent, created_at)
        values ($1, $2, $3, $4, $5, $6)
        """;

    /// <summary>Waits until a transaction of this process added an event, or the time is over.</summary>
    internal Task WaitAsync(TimeSpan timeout, CancellationToken token) =>
        _committed.WaitAsync(timeout, token);

    /// <inheritdoc />
    public void Dispose() => _committed.Dispose();

    private void Wake()
    {
        // One permit is enough: the publisher drains everything that is there. Two racing releases may both
        // see none.
        if (_committed.CurrentCount > 0)
            return;
        try
        {
            _committed.Release();
        }
        catch (SemaphoreFullException)
        {
            Debug.Assert(
                _committed.CurrentCount >= 0,
                "somebody else woke the publisher, which is all we wanted"
            );
        }
    }
}
