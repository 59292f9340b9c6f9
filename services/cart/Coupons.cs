using Souk.Cart.V1;

namespace Souk.Cart;

/// <summary>A coupon's rule.</summary>
/// <param name="BasisPoints">For a percentage: hundredths of a percent.</param>
/// <param name="Amount">For a fixed reduction: how much.</param>
internal sealed record Coupon(
    string Code,
    int? BasisPoints,
    Money? Amount,
    DateTimeOffset ValidFrom,
    DateTimeOffset? ValidUntil,
    int? UsageLimit,
    int UsedCount
)
{
    /// <summary>Why the coupon cannot be used now, or null.</summary>
    public Reason? ProblemAt(DateTimeOffset now) =>
        now < ValidFrom || now > ValidUntil ? Reason.CouponExpired
        : UsedCount >= UsageLimit ? Reason.CouponLimit
        : null;

    /// <summary>What it takes off a subtotal, at most all of it. Nothing in another currency than its
    /// own.</summary>
    public Money Off(Money subtotal) =>
        BasisPoints is { } points ? subtotal.BasisPoints(points, Rounding.HalfUp)
        : Amount is { } amount && amount.Currency == subtotal.Currency ? Money.Min(amount, subtotal)
        : Money.Zero(subtotal.Currency);
}

/// <summary>The coupons that there are, read again every five seconds: a cart's totals need them all the
/// time.</summary>
internal sealed class Coupons(Db db, TimeProvider clock) : IDisposable
{
    private const int CodesMax = 10_000;
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private (DateTimeOffset ReadAt, Dictionary<string, Coupon> ByCode)? _cached;

    /// <summary>The coupon of a code in upper case, or null.</summary>
    public async ValueTask<Coupon?> FindAsync(string code, CancellationToken cancellationToken) =>
        (await AllAsync(cancellationToken)).GetValueOrDefault(code);

    /// <summary>The coupons of these codes that can be used now; the others count for nothing.</summary>
    public async ValueTask<IReadOnlyList<Coupon>> UsableAsync(
        IReadOnlyList<string> codes,
        CancellationToken cancellationToken
    )
    {
        if (codes.Count == 0)
            return [];
        var now = clock.GetUtcNow();
        var all = await AllAsync(cancellationToken);
        return
        [
            .. codes
                .Select(all.GetValueOrDefault)
                .OfType<Coupon>()
                .Where(coupon => coupon.ProblemAt(now) is null),
        ];
    }

    public void Dispose() => _gate.Dispose();

    private async ValueTask<Dictionary<string, Coupon>> AllAsync(CancellationToken cancellationToken)
    {
        if (_cached is { } fresh && clock.GetUtcNow() - fresh.ReadAt < MaxAge)
            return fresh.ByCode;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_cached is { } known && clock.GetUtcNow() - known.ReadAt < MaxAge)
                return known.ByCode;
            var rows = await db.ListAsync(ListCouponsSql, [CodesMax], Read, cancellationToken);
            var byCode = rows.ToDictionary(coupon => coupon.Code);
            _cached = (clock.GetUtcNow(), byCode);
            return byCode;
        }
        finally
        {
            _gate.Release();
        }
    }

    private const string ListCouponsSql = """
        select code, basis_points, amount_minor, currency, valid_from, valid_until, usage_limit, used_count
          from coupon
         order by code
         limit $1
        """;

    private static Coupon Read(Npgsql.NpgsqlDataReader row) =>
        new(
            row.GetString(0),
            row.Nullable<int>(1),
            row.IsDBNull(2) ? null : row.Money(2, 3),
            row.Instant(4),
            row.Nullable<DateTimeOffset>(5),
            row.Nullable<int>(6),
            row.GetInt32(7)
        );
}
