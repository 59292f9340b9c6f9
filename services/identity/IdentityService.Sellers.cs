using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Identity.V1;

namespace Souk.Identity;

internal sealed partial class IdentityService
{
    /// <inheritdoc />
    public override Task<Seller> SetSellerStatus(SetSellerStatusRequest request, ServerCallContext context)
    {
        var id = Ids.Parse(UserPrefix, request.SellerId);
        if (request.Status is not (SellerStatus.Active or SellerStatus.Suspended))
            throw Fault.InvalidArgument("status", "must be active or suspended");
        return db.InTransactionAsync(
            async tx =>
            {
                // The user's row is the lock: the role cannot go away meanwhile.
                if (await tx.ScalarAsync<int>(SetSellerStatusLockSql, [id], tx.CancellationToken) == 0)
                    throw Fault.NotFound("seller", request.SellerId);
                await ChangeSellerAsync(tx, id, request.Status);
                return await tx.OneAsync(
                        SetSellerStatusReadSql,
                        [id],
                        row => new Seller
                        {
                            SellerId = request.SellerId,
                            Status = request.Status,
                            ChangedAt = row.Timestamp(0),
                        },
                        tx.CancellationToken
                    ) ?? throw new InvalidOperationException("upsert left no row");
            },
            context.CancellationToken
        );
    }

    private const string SetSellerStatusLockSql = """
        select 1 from users where id = $1 and 'seller' = any(roles) for update
        """;

    private const string SetSellerStatusReadSql = "select changed_at from seller where user_id = $1";

    private async Task ChangeSellerAsync(DbTransaction tx, Guid id, SellerStatus status)
    {
        var now = clock.GetUtcNow();
        object?[] args = [id, StatusText(status), now];
        var version = await tx.ScalarAsync<long>(ChangeSellerSql, args, tx.CancellationToken);
        if (version == 0)
            return;
        outbox.Add(
            tx,
            "seller.changed",
            new SellerChanged
            {
                SellerId = Ids.Text(UserPrefix, id),
                Status = status,
                Version = version,
                ChangedAt = Timestamp.FromDateTimeOffset(now),
            }
        );
    }

    private const string ChangeSellerSql = """
        insert into seller (user_id, status, version, changed_at) values ($1, $2, 1, $3)
            on conflict (user_id) do update
           set status = excluded.status, version = seller.version + 1, changed_at = excluded.changed_at
         where seller.status <> excluded.status
        returning version
        """;

    private static string StatusText(SellerStatus status) =>
        status == SellerStatus.Active ? "active" : "suspended";
}
