using Souk.Payments;
using Souk.Payments.V1;
using Souk.Tests.Harness;
using Souk.Type;
using PaymentsService = Souk.Payments.V1.PaymentsService;

namespace Souk.Tests.Payments;

/// <summary>Payments on a database of its own, with the simulator.</summary>
[Parallelizable(ParallelScope.All)]
internal abstract class PaymentsFixture
{
    protected TestMesh Mesh { get; private set; } = null!;

    protected TestService Service { get; private set; } = null!;

    protected PaymentsService.PaymentsServiceClient Ordering =>
        Mesh.Client<PaymentsService.PaymentsServiceClient>("payments", TestCaller.Service("ordering"));

    [OneTimeSetUp]
    public virtual async Task StartAsync()
    {
        Mesh = new TestMesh();
        Service = await Mesh.AddAsync("payments", service => PaymentsHost.Configure(service, Settings()));
    }

    [OneTimeTearDown]
    public virtual async Task StopAsync() => await Mesh.DisposeAsync();

    protected PaymentsService.PaymentsServiceClient As(TestCaller caller) =>
        Mesh.Client<PaymentsService.PaymentsServiceClient>("payments", caller);

    protected virtual PaymentsSettings Settings() =>
        new("simulator", new Uri("http://127.0.0.1:1/"), "", "", "");

    protected static AuthorizePaymentRequest Checkout(string token = "tok_success", long minor = 1999) =>
        new()
        {
            CheckoutId = Guid.CreateVersion7().ToString(),
            OrderId = $"ord_{Guid.CreateVersion7():N}",
            UserId = TestCaller.Buyer().UserId,
            Amount = new Money { Currency = "USD", MinorUnits = minor },
            PaymentMethod = "card",
            Token = token,
        };

    protected async Task<Payment> CaptureAsync(AuthorizePaymentRequest checkout) =>
        await Ordering.CapturePaymentAsync(new CapturePaymentRequest { CheckoutId = checkout.CheckoutId });

    protected async Task<Payment> CancelAsync(AuthorizePaymentRequest checkout) =>
        await Ordering.CancelPaymentAsync(new CancelPaymentRequest { CheckoutId = checkout.CheckoutId });

    /// <summary>What the simulator's books say: its state, and what it took less what it gave back.</summary>
    protected async Task<(string State, long NetMinor)> BooksAsync(AuthorizePaymentRequest checkout)
    {
        var rows = await Service.Db.ListAsync(
            """
            select state, case when state = 'captured' then amount_minor else 0 end - refunded_minor
              from simulator_charge where charge_key = $1
            """,
            [checkout.CheckoutId],
            row => (row.GetString(0), row.GetInt64(1)),
            CancellationToken.None
        );
        return rows.Single();
    }

    /// <summary>How many events of a payment were published on a topic.</summary>
    protected Task<long> EventsAsync(string topic, string paymentId) =>
        Service.Db.ScalarAsync<long>(
            "select count(*) from outbox where topic = $1 and data like '%' || $2 || '%'",
            [topic, paymentId],
            CancellationToken.None
        );
}
