using Grpc.Core;
using Microsoft.Extensions.Logging;
using Souk.Catalog.V1;

namespace Souk.Catalog;

/// <summary>
/// Whose a SKU is. A SKU is claimed in the database before a document names it, so two products can never
/// both have it, wherever a process dies. A claim whose document was never written gives way after a while
/// to whoever wants the SKU.
/// </summary>
internal sealed partial class Skus(Db db, ProductStore store, TimeProvider clock, ILogger<Skus> logger)
{
    private const int AttemptsMax = 5;
    private const int GenerationSize = 20_000;
    private static readonly TimeSpan OrphanedAfter = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan OwnersLifetime = TimeSpan.FromMinutes(10);

    // An owner that was right once is checked against its document, so it may be kept much longer than a
    // price.
    private readonly FreshCache<string, Guid> _owners = new(GenerationSize, OwnersLifetime, clock);

    /// <summary>The products that have claimed these SKUs; SKUs that nobody has are left out.</summary>
    internal ValueTask<IReadOnlyDictionary<string, Guid>> FindAsync(
        IEnumerable<string> skus,
        CancellationToken token
    ) => _owners.GetManyAsync(skus, LoadAsync, token);

    /// <summary>The next search asks the database.</summary>
    internal void Forget(string sku) => _owners.Forget(sku);

    /// <summary>
    /// Runs work that claims SKUs. When another product holds one only by a claim that came to nothing,
    /// takes it from there and runs the work again; otherwise ALREADY_EXISTS/SKU_TAKEN.
    /// </summary>
    internal async Task<T> ClaimingAsync<T>(Func<Task<T>> work, CancellationToken token)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work();
            }
            catch (SkuHeldException held)
            {
                if (attempt == AttemptsMax || !await TryTakeOverAsync(held, token))
                    throw Taken(held.Sku);
            }
        }
    }

    /// <summary>Claims SKUs for a document that is about to be written.</summary>
    internal static async Task ClaimAsync(
        DbTransaction tx,
        ProductDocument next,
        IReadOnlyCollection<string> skus
    )
    {
        if (skus.Count == 0)
            return;
        var productId = Products.IdOf(next);
        var wanted = skus.ToArray();
        for (var attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            var got = await tx.ExecuteAsync(
                ClaimSql,
                [wanted, productId, next.Version, tx.Clock.GetUtcNow()],
                tx.CancellationToken
            );
            if (got == wanted.Length)
                return;
            // Nobody, when the holder freed it between the two statements.
            if (await FindHolderAsync(tx, wanted, productId) is { } held)
                throw held;
        }
        throw Taken(wanted[0]);
    }

    // In order, so that parallel claims of the same SKUs wait for each other instead of deadlocking.
    private const string ClaimSql = """
        insert into sku_claim as held (sku, product_id, version, claimed_at)
        select sku, $2, $3, $4 from unnest($1::text[]) as wanted (sku) order by sku
            on conflict (sku) do update
           set version = greatest(held.version, excluded.version), claimed_at = excluded.claimed_at
         where held.product_id = excluded.product_id
        """;

    private static Task<SkuHeldException?> FindHolderAsync(
        DbTransaction tx,
        string[] wanted,
        Guid productId
    ) =>
        tx.OneAsync(
            ClaimHolderSql,
            [wanted, productId],
            row => new SkuHeldException(row.GetString(0), row.GetGuid(1), row.GetInt64(2), row.Instant(3)),
            tx.CancellationToken
        );

    // The oldest first: it is the likeliest to have come to nothing.
    private const string ClaimHolderSql = """
        select sku, product_id, version, claimed_at
          from sku_claim
         where sku = any($1) and product_id <> $2
         order by claimed_at, sku
         limit 1
        """;

    /// <summary>
    /// Frees the SKUs that a written document no longer has, unless a newer write took them again.
    /// </summary>
    internal Task FreeAsync(
        ProductDocument written,
        IReadOnlyCollection<string> skus,
        CancellationToken token
    ) =>
        skus.Count == 0
            ? Task.CompletedTask
            : db.ExecuteAsync(FreeSql, [skus.ToArray(), Products.IdOf(written), written.Version], token);

    private const string FreeSql = """
        delete from sku_claim where sku = any($1) and product_id = $2 and version <= $3
        """;

    internal static RpcException Taken(string sku) =>
        Fault.AlreadyExists(Reason.SkuTaken, $"Another product has the SKU {sku}.", ("sku", sku));

    private async Task<bool> TryTakeOverAsync(SkuHeldException held, CancellationToken token)
    {
        if (clock.GetUtcNow() - held.ClaimedAt < OrphanedAfter)
            return false;
        // Only the fence makes this safe at any age: the claim's own write may be slow rather than dead.
        if (!await store.TryFenceAsync(held.ProductId, held.Sku, token))
            return false;
        await db.ExecuteAsync(TakeOverSql, [held.Sku, held.ProductId, held.Version, held.ClaimedAt], token);
        Forget(held.Sku);
        LogTakenOver(logger, held.Sku, held.ProductId, held.ClaimedAt);
        return true;
    }

    private const string TakeOverSql = """
        delete from sku_claim where sku = $1 and product_id = $2 and version = $3 and claimed_at = $4
        """;

    private async Task<IReadOnlyDictionary<string, Guid>> LoadAsync(IReadOnlyList<string> skus)
    {
        var rows = await db.ListAsync(
            FindSql,
            [skus.ToArray()],
            row => (Sku: row.GetString(0), ProductId: row.GetGuid(1)),
            CancellationToken.None
        );
        return rows.ToDictionary(row => row.Sku, row => row.ProductId);
    }

    private const string FindSql = "select sku, product_id from sku_claim where sku = any($1)";

    [LoggerMessage(
        LogLevel.Warning,
        "SKU {Sku} is taken from {Product}, which claimed it {ClaimedAt} in vain"
    )]
    private static partial void LogTakenOver(
        ILogger logger,
        string sku,
        Guid product,
        DateTimeOffset claimedAt
    );

    /// <summary>
    /// Another product holds the SKU. Undoes the claiming transaction; never leaves this service.
    /// </summary>
    internal sealed class SkuHeldException(string sku, Guid productId, long version, DateTimeOffset claimedAt)
        : Exception($"SKU {sku} is held by product {productId}.")
    {
        internal string Sku => sku;

        internal Guid ProductId => productId;

        internal long Version => version;

        internal DateTimeOffset ClaimedAt => claimedAt;
    }
}
