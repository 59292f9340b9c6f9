namespace Souk.Tests.Journeys;

/// <summary>Where a checkout stands still.</summary>
internal enum Halt
{
    /// <summary>The order is pending; its stock is about to be held.</summary>
    Holding,

    /// <summary>Stock is held; the provider is about to set the money aside.</summary>
    Charging,

    /// <summary>The provider has set the money aside; payments is about to write it down.</summary>
    Charged,

    /// <summary>The payment is authorised; the held stock is about to be taken.</summary>
    Completing,

    /// <summary>The stock is taken; the provider is about to take the money.</summary>
    Capturing,

    /// <summary>The provider has taken the money; payments is about to write it down.</summary>
    Captured,

    /// <summary>Money and stock are taken; the order is about to be confirmed.</summary>
    Confirming,

    /// <summary>
    /// The order is about to be confirmed and is let go at the last moment, so the cart's turn has come.
    /// </summary>
    Clearing,

    /// <summary>As Completing, and the buyer has cancelled meanwhile: all of it is to be undone.</summary>
    Cancelling,
}

/// <summary>A checkout that is led from gate to gate and stands still in front of one.</summary>
internal sealed class Walk : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Books _books;
    private readonly Person _buyer;
    private readonly Goods _goods;
    private Gate? _gate;

    private Walk(Books books, Person buyer, Goods goods, Halt halt)
    {
        _books = books;
        _buyer = buyer;
        _goods = goods;
        Halt = halt;
    }

    internal Halt Halt { get; }

    internal Person Buyer => _buyer;

    /// <summary>The order's UUID.</summary>
    internal Guid Key { get; private set; }

    /// <summary>What the buyer's call answers in the end.</summary>
    internal Task<Reply> Answer { get; private set; } =
        Task.FromException<Reply>(new InvalidOperationException());

    /// <summary>
    /// Buys the buyer's cart, which holds these goods, and leads the checkout to where it shall stand.
    /// </summary>
    internal static async Task<Walk> ToAsync(Halt halt, Books books, Person buyer, Goods goods)
    {
        var walk = new Walk(books, buyer, goods, halt);
        (await buyer.AddToCartAsync(goods)).Ok();
        await walk.HoldAsync();
        if (halt == Halt.Holding)
            return walk;
        await walk.NextAsync("payments", ChargeGateSql, walk.Key.ToString());
        if (halt != Halt.Charging)
            await walk.BeyondChargeAsync();
        return walk;
    }

    /// <summary>Opens the gate.</summary>
    public ValueTask DisposeAsync() => _gate?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task HoldAsync()
    {
        var earlier = (await _books.OrdersOfAsync(_goods.Sku)).ToHashSet();
        _gate = await Gate.CloseAsync(_books, "inventory", HoldGateSql, _goods.Sku);
        Answer = _buyer.InsistAsync(Orders.Place(goods: null) with { Wait = 20 });
        await WaitAsync(async () =>
            (Key = (await _books.OrdersOfAsync(_goods.Sku)).Find(order => !earlier.Contains(order)))
            != default
        );
        await WaitAsync(_gate.IsBesiegedAsync);
    }

    private async Task BeyondChargeAsync()
    {
        switch (Halt)
        {
            case Halt.Charged:
                await NextAsync("payments", PaymentGateSql, Key);
                break;
            case Halt.Confirming or Halt.Clearing:
                await NextAsync("ordering", OrderGateSql, Key);
                break;
            default:
                await NextAsync("inventory", CompleteGateSql, Key);
                break;
        }
        if (Halt is Halt.Capturing or Halt.Captured)
            await NextAsync("payments", CaptureGateSql, Key.ToString());
        if (Halt == Halt.Captured)
            await NextAsync("payments", PaymentGateSql, Key);
        if (Halt == Halt.Cancelling)
            (await _buyer.PostAsync($"{Orders.Path}/ord_{Key:N}:cancel")).Ok();
    }

    /// <summary>
    /// Closes the next gate, opens the one in front of the checkout, and waits until it stands at the next.
    /// </summary>
    private async Task NextAsync(string appId, string sql, object key)
    {
        var next = await Gate.CloseAsync(_books, appId, sql, key);
        await DisposeAsync();
        _gate = next;
        await WaitAsync(next.IsBesiegedAsync);
    }

    private async Task WaitAsync(Func<Task<bool>> holds)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await holds())
        {
            if (limit.IsCancellationRequested)
                throw new AssertionException($"The checkout never came to {Halt}: {await StateAsync()}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task<string> StateAsync() =>
        Key == default ? "no order" : $"{await _books.OutcomeAsync(Key)}";

    private const string HoldGateSql = "select 1 from pool where item = $1 for update";

    // A charge under the same key that is never committed: the provider's own has to wait for it.
    private const string ChargeGateSql = """
        insert into simulator_charge (charge_key, amount_minor, currency, token, state, created_at)
        values ($1, 1, 'USD', 'gate', 'cancelled', now())
        """;

    private const string PaymentGateSql = "select 1 from payments where checkout_id = $1 for update";
    private const string CompleteGateSql = "select 1 from hold where hold_id = $1 for update";
    private const string CaptureGateSql = "select 1 from simulator_charge where charge_key = $1 for update";
    private const string OrderGateSql = "select 1 from orders where id = $1 for update";
}
