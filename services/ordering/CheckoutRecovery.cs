using Microsoft.Extensions.Logging;

namespace Souk.Ordering;

/// <summary>
/// Finds orders that have work but perhaps no workflow, because a process died between the commit and the
/// hand-over, and hands them over. An order whose workflow is running is left alone.
/// </summary>
internal sealed class CheckoutRecovery(
    Db db,
    CheckoutLauncher launcher,
    TimeProvider clock,
    ILogger<CheckoutRecovery> logger
) : BackgroundJob(TimeSpan.FromSeconds(5), clock, logger)
{
    private const int BatchMax = 100;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <inheritdoc />
    public override async Task<bool> RunOnceAsync(CancellationToken token)
    {
        var orders = await db.ListAsync(
            CheckoutRecoverySql,
            [Clock.GetUtcNow() - Grace, BatchMax],
            row => (Id: row.GetGuid(0), Workflow: row.GetString(1)),
            token
        );
        foreach (var (id, workflow) in orders)
        {
            await (
                workflow == "refund"
                    ? launcher.StartRefundAsync(id, token)
                    : launcher.RestartCheckoutAsync(id, token)
            );
        }

        // Never at once again: what was just handed over still looks the same.
        return false;
    }

    // In a random order, so that checkouts which wait for their buyers cannot crowd out one that needs help.
    private const string CheckoutRecoverySql = """
        select id, workflow from orders where settled_at is null and updated_at < $1
         order by random() limit $2
        """;
}
