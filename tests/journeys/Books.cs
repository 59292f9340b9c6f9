using System.Collections.Concurrent;
using Npgsql;
using Souk.Shared;

namespace Souk.Tests.Journeys;

/// <summary>What became of an order, as the databases have it.</summary>
/// <param name="Charged">What the provider took less what it gave back, in cents, by the provider's own
/// books.</param>
/// <param name="Held">Units that an active hold of the order keeps.</param>
/// <param name="Taken">Units that the order took out of stock for good.</param>
internal sealed record Outcome(
    string Status,
    bool IsSettled,
    long Total,
    long Charged,
    long Held,
    long Taken
);

/// <summary>
/// Reads the databases of a live mesh: nothing that an app says counts where money and stock are checked.
/// </summary>
internal sealed class Books(Uri postgres) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, NpgsqlDataSource> _sources = new();

    /// <summary>The UUID of an order, which is the key of its hold, its payment and its workflow.</summary>
    internal static Guid Key(string orderId) => Ids.Parse("ord", orderId);

    internal NpgsqlDataSource Of(string appId) =>
        _sources.GetOrAdd(
            appId,
            id =>
                NpgsqlDataSource.Create(
                    new ServiceSettings { AppId = id, Postgres = postgres }.ConnectionString()
                        + ";Pooling=false;Application Name=tests"
                )
        );

    /// <summary>Ends every connection to every database, as a restart does, and tells nobody.</summary>
    internal Task<long> DropConnectionsAsync() =>
        OneAsync(
            "ordering",
            """
            select count(pg_terminate_backend(pid)) from pg_stat_activity
             where datname like 'souk%' and pid <> pg_backend_pid()
            """,
            row => row.GetInt64(0)
        );

    internal async Task<Outcome> OutcomeAsync(Guid order)
    {
        var (status, isSettled, total) = await OneAsync(
            "ordering",
            "select status, settled_at is not null, total_minor from orders where id = $1",
            row => (row.GetString(0), row.GetBoolean(1), row.GetInt64(2)),
            order
        );
        var charged = await OneAsync(
            "payments",
            """
            select coalesce(
                     sum(case when state = 'captured' then amount_minor - refunded_minor else 0 end), 0)
                   ::bigint
              from simulator_charge where charge_key = $1
            """,
            row => row.GetInt64(0),
            order.ToString()
        );
        var (held, taken) = await OneAsync(
            "inventory",
            """
            select coalesce(sum(quantity) filter (where status = 'active'), 0)::bigint,
                   coalesce(sum(quantity) filter (where status = 'completed'), 0)::bigint
              from hold_part where hold_id = $1
            """,
            row => (row.GetInt64(0), row.GetInt64(1)),
            order
        );
        return new Outcome(status, isSettled, total, charged, held, taken);
    }

    /// <summary>Units of a SKU, over all warehouses.</summary>
    internal Task<(long Available, long Reserved)> StockAsync(string sku) =>
        OneAsync(
            "inventory",
            """
            select coalesce(sum(available), 0)::bigint, coalesce(sum(reserved), 0)::bigint
              from pool where item = $1
            """,
            row => (row.GetInt64(0), row.GetInt64(1)),
            sku
        );

    /// <summary>The orders of some people that have a line of the SKU, oldest first.</summary>
    internal Task<List<Guid>> OrdersOfAsync(string sku) =>
        ListAsync(
            "ordering",
            "select o.id from orders o join order_items i on i.order_id = o.id where i.sku = $1 order by o.id",
            row => row.GetGuid(0),
            sku
        );

    internal Task<long> CountAsync(string appId, string sql, params object[] arguments) =>
        OneAsync(appId, sql, row => row.GetInt64(0), arguments);

    internal async Task<T> OneAsync<T>(
        string appId,
        string sql,
        Func<NpgsqlDataReader, T> read,
        params object[] arguments
    ) => (await ListAsync(appId, sql, read, arguments)).Single();

    internal async Task<List<T>> ListAsync<T>(
        string appId,
        string sql,
        Func<NpgsqlDataReader, T> read,
        params object[] arguments
    )
    {
        await using var command = Of(appId).CreateCommand(sql);
        foreach (var argument in arguments)
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
            rows.Add(read(reader));
        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources.Values)
            await source.DisposeAsync();
    }
}
