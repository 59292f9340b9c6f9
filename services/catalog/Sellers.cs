using Souk.Catalog.V1;
using Souk.Identity.V1;

namespace Souk.Catalog;

/// <summary>
/// Which sellers do not sell at the moment, as seller.changed told it. In memory for as long as a product is.
/// </summary>
internal sealed class Sellers(Db db, TimeProvider clock)
{
    private const int Generation = 10_000;
    private readonly FreshCache<Guid, bool> _areActive = new(Generation, TimeSpan.FromSeconds(5), clock);

    /// <summary>Takes in what an event says.</summary>
    internal async Task ApplyAsync(SellerChanged changed, EventContext context)
    {
        if (!Ids.TryParse("user", changed.SellerId, out var sellerId))
            return;
        await context.Tx.ExecuteAsync(
            ApplySql,
            [sellerId, changed.Status == SellerStatus.Active, changed.Version],
            context.CancellationToken
        );
        context.Tx.AfterCommit(() => _areActive.Forget(sellerId));
    }

    private const string ApplySql = """
        insert into seller (seller_id, is_active, version) values ($1, $2, $3)
            on conflict (seller_id) do update
           set is_active = excluded.is_active, version = excluded.version
         where seller.version < excluded.version
        """;

    /// <summary>Says on each offer whether its seller sells.</summary>
    internal async Task MarkAsync(IReadOnlyCollection<Offer> offers, CancellationToken token)
    {
        var areActive = await _areActive.GetManyAsync(offers.Select(SellerOf), ReadAsync, token);
        foreach (var offer in offers)
            offer.SellerInactive = !areActive[SellerOf(offer)];
    }

    private static Guid SellerOf(Offer offer) => Ids.Parse("user", offer.SellerId);

    // Those without a row get an answer too: most sellers never have one, and it is as worth remembering.
    private async Task<IReadOnlyDictionary<Guid, bool>> ReadAsync(IReadOnlyList<Guid> sellerIds)
    {
        var inactive = await db.ListAsync(
            ReadInactiveSql,
            [sellerIds.ToArray()],
            row => row.GetGuid(0),
            CancellationToken.None
        );
        return sellerIds.ToDictionary(id => id, id => !inactive.Contains(id));
    }

    private const string ReadInactiveSql = """
        select seller_id from seller where seller_id = any($1) and not is_active
        """;
}
