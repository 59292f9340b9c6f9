namespace Souk.Payments.Providers;

/// <summary>
/// A provider for development and tests: deterministic by token, with books of its own that outlive any
/// process. </summary>
internal sealed class SimulatorProvider(Db db, TimeProvider clock) : IPaymentProvider
{
    /// <summary>Authorised at once.</summary>
    public const string Success = "tok_success";

    /// <summary>Declined.</summary>
    public const string Declined = "tok_declined";

    /// <summary>Declined for lack of money.</summary>
    public const string InsufficientFunds = "tok_insufficient_funds";

    /// <summary>Needs the buyer first.</summary>
    public const string Challenge = "tok_challenge";

    /// <summary>Authorised, but the answer is lost on its way back.</summary>
    public const string TimeoutAfterSuccess = "tok_timeout_after_success";

    /// <summary>Authorised after two seconds.</summary>
    public const string Slow = "tok_slow";

    private static readonly TimeSpan SlowDelay = TimeSpan.FromSeconds(2);

    /// <inheritdoc />
    public string Name => "simulator";

    /// <inheritdoc />
    public async Task<ProviderCharge> AuthorizeAsync(ChargeOrder order, CancellationToken cancellationToken)
    {
        if (order.Token == Slow)
            await Task.Delay(SlowDelay, clock, cancellationToken);
        var (state, declineCode) = order.Token switch
        {
            Success or Slow or TimeoutAfterSuccess => ("authorized", ""),
            Challenge => ("needs_action", ""),
            InsufficientFunds => ("declined", "insufficient_funds"),
            Declined => ("declined", "card_declined"),
            _ => ("declined", "invalid_token"),
        };
        await db.ExecuteAsync(
            SimulatorAuthorizeSql,
            [
                order.Key,
                order.Amount.Minor,
                order.Amount.Currency.Code,
                order.Token,
                state,
                declineCode,
                clock.GetUtcNow(),
            ],
            cancellationToken
        );
        if (order.Token == TimeoutAfterSuccess)
            throw new ProviderSilentException("The simulator lost its answer, as its token says.");
        return await LookUpAsync(order, cancellationToken);
    }

    private const string SimulatorAuthorizeSql = """
        insert into simulator_charge (charge_key, amount_minor, currency, token, state, decline_code,
          created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (charge_key) do nothing
        """;

    /// <inheritdoc />
    public Task<ProviderCharge> CaptureAsync(ChargeOrder order, CancellationToken cancellationToken) =>
        MoveAsync(order, from: "authorized", to: "captured", cancellationToken);

    /// <inheritdoc />
    public async Task<ProviderCharge> VoidAsync(ChargeOrder order, CancellationToken cancellationToken)
    {
        // The row stays in the way of an authorisation that comes later.
        await db.ExecuteAsync(
            SimulatorVoidSql,
            [order.Key, order.Amount.Minor, order.Amount.Currency.Code, order.Token, clock.GetUtcNow()],
            cancellationToken
        );
        return await LookUpAsync(order, cancellationToken);
    }

    private const string SimulatorVoidSql = """
        insert into simulator_charge as c (charge_key, amount_minor, currency, token, state, created_at)
        values ($1, $2, $3, $4, 'cancelled', $5)
            on conflict (charge_key) do update
           set state = 'cancelled'
         where c.state in ('authorized', 'needs_action')
        """;

    /// <inheritdoc />
    public Task RefundAsync(
        ChargeOrder order,
        Money amount,
        string refundKey,
        CancellationToken cancellationToken
    ) =>
        db.InTransactionAsync(
            async tx =>
            {
                var isNew = await tx.ExecuteAsync(
                    SimulatorRefundSql,
                    [refundKey, order.Key, amount.Minor, clock.GetUtcNow()],
                    cancellationToken
                );
                if (isNew == 1)
                    await tx.ExecuteAsync(SimulatorRefundedSql, [order.Key, amount.Minor], cancellationToken);
            },
            cancellationToken
        );

    private const string SimulatorRefundSql = """
        insert into simulator_refund (refund_key, charge_key, amount_minor, created_at)
        values ($1, $2, $3, $4)
            on conflict (refund_key) do nothing
        """;

    private const string SimulatorRefundedSql = """
        update simulator_charge set refunded_minor = refunded_minor + $2 where charge_key = $1
          and state = 'captured'
        """;

    /// <inheritdoc />
    public async Task<ProviderCharge> LookUpAsync(ChargeOrder order, CancellationToken cancellationToken) =>
        await db.OneAsync(
            SimulatorLookUpSql,
            [order.Key],
            row => new ProviderCharge(
                StateOf(row.GetString(0)),
                TransactionId: $"sim_{order.Key}",
                CardBrand: "visa",
                CardLast4: "4242",
                DeclineCode: row.GetString(1),
                ActionUrl: row.GetString(0) == "needs_action"
                    ? $"https://simulator.invalid/challenge/{order.Key}"
                    : ""
            ),
            cancellationToken
        ) ?? new ProviderCharge(ChargeState.None, "");

    private const string SimulatorLookUpSql = """
        select state, decline_code from simulator_charge where charge_key = $1
        """;

    /// <inheritdoc />
    public async Task<ProviderCharge> ConfirmAsync(
        ChargeOrder order,
        bool approved,
        CancellationToken cancellationToken
    )
    {
        await db.ExecuteAsync(
            SimulatorConfirmSql,
            [order.Key, approved ? "authorized" : "declined", approved ? "" : "authentication_failed"],
            cancellationToken
        );
        return await LookUpAsync(order, cancellationToken);
    }

    private const string SimulatorConfirmSql = """
        update simulator_charge set state = $2, decline_code = $3 where charge_key = $1
          and state = 'needs_action'
        """;

    private async Task<ProviderCharge> MoveAsync(
        ChargeOrder order,
        string from,
        string to,
        CancellationToken cancellationToken
    )
    {
        await db.ExecuteAsync(SimulatorMoveSql, [order.Key, from, to], cancellationToken);
        return await LookUpAsync(order, cancellationToken);
    }

    private const string SimulatorMoveSql = """
        update simulator_charge set state = $3 where charge_key = $1 and state = $2
        """;

    private static ChargeState StateOf(string state) =>
        state switch
        {
            "needs_action" => ChargeState.NeedsAction,
            "authorized" => ChargeState.Authorized,
            "captured" => ChargeState.Captured,
            "declined" => ChargeState.Declined,
            _ => ChargeState.Cancelled,
        };
}
