using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using Souk.Payments;
using Souk.Payments.V1;
using Souk.Tests.Harness;
using PaymentsService = Souk.Payments.V1.PaymentsService;

namespace Souk.Tests.Payments;

/// <summary>
/// The Stripe provider against a stub that speaks Stripe's HTTP API. One test at a time: the stub's faults
/// are shared.
/// </summary>
[NonParallelizable]
internal sealed class StripeTests : PaymentsFixture
{
    private const string WebhookSecret = "whsec_test";
    private StripeStub _stripe = null!;

    [OneTimeSetUp]
    public override async Task StartAsync()
    {
        _stripe = await StripeStub.StartAsync();
        await base.StartAsync();
    }

    [OneTimeTearDown]
    public override async Task StopAsync()
    {
        await base.StopAsync();
        await _stripe.DisposeAsync();
    }

    protected override PaymentsSettings Settings() =>
        new("stripe", _stripe.Url, "sk_test", WebhookSecret, "https://shop.example.com/");

    [TearDown]
    public void Heal()
    {
        _stripe.FailBefore = default;
        _stripe.BreakAfter = 0;
        _stripe.RefuseRefunds = default;
    }

    [Test, Description("PAY-03 PAY-07")]
    public async Task CapturePayment_AuthorizedAtStripe_TakesItOnce()
    {
        var checkout = Checkout("pm_card");
        var authorized = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(authorized.Status, Is.EqualTo(PaymentStatus.Authorized));
        Assert.That((authorized.CardBrand, authorized.CardLast4), Is.EqualTo(("mastercard", "4444")));
        await CaptureAsync(checkout);
        var captured = await CaptureAsync(checkout);
        Assert.That(captured.Status, Is.EqualTo(PaymentStatus.Completed));
        Assert.That(
            _stripe.Intents[captured.TransactionId],
            Is.EqualTo(new StripeStub.Intent(checkout.Amount.MinorUnits, "usd", "succeeded", 0))
        );
    }

    [TestCase("pm_declined", "insufficient_funds")]
    [TestCase("pm_unknown", "resource_missing")]
    [Description("PAY-03")]
    public async Task AuthorizePayment_RefusedByStripe_IsFailedWithStripesCode(
        string token,
        string declineCode
    )
    {
        var payment = await Ordering.AuthorizePaymentAsync(Checkout(token));
        Assert.That((payment.Status, payment.DeclineCode), Is.EqualTo((PaymentStatus.Failed, declineCode)));
    }

    [Test, Description("PAY-08")]
    public async Task AuthorizePayment_StripesAnswerLost_IsLookedUpAndChargedOnce()
    {
        var before = _stripe.Intents.Count;
        _stripe.BreakAfter = 1;
        var checkout = Checkout("pm_card");
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(payment.Status, Is.EqualTo(PaymentStatus.Authorized));
        Assert.That(_stripe.Intents, Has.Count.EqualTo(before + 1));
    }

    [Test, Description("PAY-08")]
    public async Task CapturePayment_WhileStripesAnswerIsLost_FailsWithPaymentUnknownAndTakesOnceLater()
    {
        var checkout = Checkout("pm_card");
        var authorized = await Ordering.AuthorizePaymentAsync(checkout);
        _stripe.BreakAfter = 2; // the capture's answer and the look-up's
        var failure = await Failure.OfAsync(() => CaptureAsync(checkout));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "PAYMENT_UNKNOWN")));
        Assert.That((await CaptureAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Completed));
        Assert.That(_stripe.Intents[authorized.TransactionId].Status, Is.EqualTo("succeeded"));
    }

    [Test, Description("PAY-08")]
    public async Task AuthorizePayment_StripeFailsWithoutAnswering_IsUnknownUntilTheResolverLooks()
    {
        var checkout = Checkout("pm_card");
        _stripe.FailBefore = (500, 2);
        Assert.That(
            (await Ordering.AuthorizePaymentAsync(checkout)).Status,
            Is.EqualTo(PaymentStatus.Unknown)
        );
        Mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        await Service.RunJobAsync<PaymentResolver>();
        Assert.That(
            (await Ordering.AuthorizePaymentAsync(checkout)).Status,
            Is.EqualTo(PaymentStatus.Authorized)
        );
    }

    [Test, Description("PAY-10")]
    public async Task RefundPayment_AtStripe_GivesBackPartsAndNeverMore()
    {
        var checkout = Checkout("pm_card", minor: 1000);
        await Ordering.AuthorizePaymentAsync(checkout);
        var captured = await CaptureAsync(checkout);
        var refund = new RefundPaymentRequest
        {
            PaymentId = captured.PaymentId,
            RequestId = Guid.CreateVersion7().ToString(),
            Amount = new Souk.Type.Money { Currency = "USD", MinorUnits = 300 },
        };
        var staff = As(TestCaller.Operator());
        await staff.RefundPaymentAsync(refund);
        await staff.RefundPaymentAsync(refund);
        Assert.That(_stripe.Intents[captured.TransactionId].Refunded, Is.EqualTo(300));
        Assert.That((await CancelAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Refunded));
        Assert.That(_stripe.Intents[captured.TransactionId].Refunded, Is.EqualTo(1000));
    }

    [TestCase("charge_disputed", false)]
    [TestCase("lost_or_stolen_card", true)]
    [Description("PAY-10")]
    public async Task RefundPayment_RefusedByStripe_FailsWithRefundRefusedAndMayBeTriedAgain(
        string code,
        bool isAnswered
    )
    {
        var captured = await CapturedAsync();
        var refund = RefundOf(captured, 300);
        _stripe.RefuseRefunds = (captured.TransactionId, code, isAnswered);
        var failure = await Failure.OfAsync(() => RefundAsync(refund));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "REFUND_REFUSED")));
        Assert.That(failure.Metadata["code"], Is.EqualTo(code));

        // Soon after, the same key gets the same answer and Stripe is left alone.
        var requests = _stripe.Requests;
        Assert.That(await Failure.OfAsync(() => RefundAsync(refund)), Is.EqualTo(failure));
        Assert.That(_stripe.Requests, Is.EqualTo(requests));

        // Nothing of it counts as given back: all of it can still go, and the same key may try again.
        _stripe.RefuseRefunds = default;
        var rest = await RefundAsync(RefundOf(captured, 700));
        Assert.That(rest.RefundedAmount.MinorUnits, Is.EqualTo(700));
        Mesh.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.That((await RefundAsync(refund)).Status, Is.EqualTo(PaymentStatus.Refunded));
        Assert.That(_stripe.Intents[captured.TransactionId].Refunded, Is.EqualTo(1000));
    }

    [Test, Description("PAY-10")]
    public async Task RefundPayment_AnotherIsRefusedMeanwhile_IsSentAllTheSame()
    {
        var (refused, lost) = (await CapturedAsync(), await CapturedAsync());
        foreach (var payment in new[] { refused, lost })
        {
            _stripe.BreakAfter = 1;
            var failure = await Failure.OfAsync(() => RefundAsync(RefundOf(payment, 400)));
            Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "PAYMENT_UNKNOWN")));
        }

        // What became of them nobody knows here; the resolver asks again, and one is refused then.
        _stripe.ForgetRefunds();
        _stripe.RefuseRefunds = (refused.TransactionId, "charge_disputed", false);
        Mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        await Service.RunJobAsync<PaymentResolver>();
        Assert.That(_stripe.Intents[lost.TransactionId].Refunded, Is.EqualTo(400));
        var staff = As(TestCaller.Operator());
        var after = await staff.GetPaymentAsync(new GetPaymentRequest { PaymentId = refused.PaymentId });
        Assert.That(after.RefundedAmount.MinorUnits, Is.Zero);
    }

    [Test, Description("PAY-08")]
    public async Task AuthorizePayment_StripeDownForAMoment_IsTriedAgainAndCounted()
    {
        var before = _stripe.Requests;
        _stripe.FailBefore = (429, 2);
        var payment = await PatientlyAsync(() =>
            Ordering.AuthorizePaymentAsync(Checkout("pm_card")).ResponseAsync
        );
        Assert.That((payment.Status, payment.RetryCount), Is.EqualTo((PaymentStatus.Authorized, 2)));
        Assert.That(payment.LastRetryAt, Is.Not.Null);
        Assert.That(_stripe.Requests - before, Is.EqualTo(3));
    }

    [Test, Description("PAY-08")]
    public async Task AuthorizePayment_StripeStaysDown_FailsAfterThreeRetriesAndGoesOnLater()
    {
        var checkout = Checkout("pm_card");
        var before = _stripe.Requests;
        _stripe.FailBefore = (429, 4);
        var failure = await PatientlyAsync(() =>
            Failure.OfAsync(async () => await Ordering.AuthorizePaymentAsync(checkout))
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "DEPENDENCY_UNAVAILABLE")));
        Assert.That(_stripe.Requests - before, Is.EqualTo(4));
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That((payment.Status, payment.RetryCount), Is.EqualTo((PaymentStatus.Authorized, 3)));
    }

    [Test, Description("PAY-08")]
    public async Task CapturePayment_RefusedAndThenSilent_FailsWithPaymentUnknown()
    {
        var checkout = Checkout("pm_card");
        await Ordering.AuthorizePaymentAsync(checkout);
        _stripe.RefuseOnce = true;
        _stripe.FailBefore = default;
        var failure = await Failure.OfAsync(() => CaptureAsync(checkout));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "PAYMENT_UNKNOWN")));
        Assert.That((await CaptureAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Completed));
    }

    [TestCase("USD", 1999, 1999)]
    [TestCase("JPY", 1234, 1234)]
    [TestCase("BHD", 1230, 1230)]
    [TestCase("ISK", 500, 50_000)]
    [TestCase("UGX", 500, 50_000)]
    [TestCase("MGA", 50_000, 500)]
    [Description("K17: the provider's units where they are not ISO 4217's")]
    public async Task AuthorizePayment_InAnyCurrency_AsksStripeForThatMuch(
        string currency,
        long minor,
        long stripes
    )
    {
        var checkout = Checkout("pm_card", minor);
        checkout.Amount.Currency = currency;
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(_stripe.Intents[payment.TransactionId].Amount, Is.EqualTo(stripes));
        Assert.That(payment.Amount.MinorUnits, Is.EqualTo(minor));
    }

    [Test, Description("K17")]
    public async Task AuthorizePayment_PartOfStripesUnit_IsRefusedAndNotRounded()
    {
        var checkout = Checkout("pm_card", minor: 50_001);
        checkout.Amount.Currency = "MGA";
        var requests = _stripe.Requests;
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(
            (payment.Status, payment.DeclineCode),
            Is.EqualTo((PaymentStatus.Failed, "invalid_amount"))
        );
        Assert.That(_stripe.Requests, Is.EqualTo(requests));
    }

    [Test, Description("ORD-07")]
    public async Task CancelPayment_AuthorizedAtStripe_CancelsTheIntent()
    {
        var checkout = Checkout("pm_card");
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That((await CancelAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Failed));
        Assert.That(_stripe.Intents[payment.TransactionId].Status, Is.EqualTo("canceled"));
    }

    [Test]
    public async Task ReceiveStripeWebhook_AfterTheChallenge_BringsThePaymentOn()
    {
        var checkout = Checkout("pm_3ds");
        var waiting = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(waiting.NextAction.Url, Does.StartWith("https://hooks.stripe.test/"));
        _stripe.Authenticate(waiting.TransactionId);
        var body = Event(waiting.TransactionId);
        await SendAsync(body, Sign(body));
        await SendAsync(body, Sign(body));
        Assert.That(
            (await Ordering.AuthorizePaymentAsync(checkout)).Status,
            Is.EqualTo(PaymentStatus.Authorized)
        );
    }

    [Test, Description("PAY-08")]
    public async Task ConfirmPayment_StripesAnswerLost_IsUnknownUntilItIsLookedUp()
    {
        var checkout = Checkout("pm_3ds");
        var waiting = await Ordering.AuthorizePaymentAsync(checkout);
        _stripe.Authenticate(waiting.TransactionId);
        var buyer = As(new TestCaller(checkout.UserId, Souk.Options.V1.Role.Buyer));
        var confirm = new ConfirmPaymentRequest { PaymentId = waiting.PaymentId };
        _stripe.BreakAfter = 2; // the answer and the look-up's
        Assert.That((await buyer.ConfirmPaymentAsync(confirm)).Status, Is.EqualTo(PaymentStatus.Unknown));
        var failure = await Failure.OfAsync(() => buyer.ConfirmPaymentAsync(confirm));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "PAYMENT_UNKNOWN")));
        Mesh.Clock.Advance(TimeSpan.FromMinutes(1));
        await Service.RunJobAsync<PaymentResolver>();
        Assert.That((await buyer.ConfirmPaymentAsync(confirm)).Status, Is.EqualTo(PaymentStatus.Authorized));
    }

    [Test]
    public async Task ReceiveStripeWebhook_SeenBefore_AsksStripeNothing()
    {
        var waiting = await Ordering.AuthorizePaymentAsync(Checkout("pm_3ds"));
        var body = Event(waiting.TransactionId);
        await SendAsync(body, Sign(body));
        var requests = _stripe.Requests;
        await SendAsync(body, Sign(body));
        Assert.That(_stripe.Requests, Is.EqualTo(requests));
    }

    [TestCase("t=1,v1=00")]
    [TestCase("nonsense")]
    [TestCase("t=99999999999999999999,v1=00")]
    public async Task ReceiveStripeWebhook_WrongSignature_FailsWithBadSignature(string signature)
    {
        var failure = await Failure.OfAsync(() => SendAsync(Event("pi_1"), signature));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "BAD_SIGNATURE")));
    }

    [Test]
    public async Task ReceiveStripeWebhook_AlteredBodyOrOldSignature_FailsWithBadSignature()
    {
        var signature = Sign(Event("pi_1"));
        var altered = await Failure.OfAsync(() => SendAsync(Event("pi_2"), signature));
        Assert.That(altered.Reason, Is.EqualTo("BAD_SIGNATURE"));
        Mesh.Clock.Advance(TimeSpan.FromMinutes(6));
        var old = await Failure.OfAsync(() => SendAsync(Event("pi_1"), signature));
        Assert.That(old.Reason, Is.EqualTo("BAD_SIGNATURE"));
    }

    private async Task<Payment> CapturedAsync()
    {
        var checkout = Checkout("pm_card", minor: 1000);
        await Ordering.AuthorizePaymentAsync(checkout);
        return await CaptureAsync(checkout);
    }

    private static RefundPaymentRequest RefundOf(Payment payment, long minor) =>
        new()
        {
            PaymentId = payment.PaymentId,
            RequestId = Guid.CreateVersion7().ToString(),
            Amount = new Souk.Type.Money { Currency = "USD", MinorUnits = minor },
        };

    private async Task<Payment> RefundAsync(RefundPaymentRequest refund) =>
        await As(TestCaller.Operator()).RefundPaymentAsync(refund);

    /// <summary>Lets the clock run while the call waits between its tries.</summary>
    private async Task<T> PatientlyAsync<T>(Func<Task<T>> call)
    {
        var running = call();
        while (!running.IsCompleted)
        {
            Mesh.Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(20)));
        }

        return await running;
    }

    private async Task SendAsync(string body, string signature) =>
        await Mesh.Client<PaymentsService.PaymentsServiceClient>("payments")
            .ReceiveStripeWebhookAsync(
                new ReceiveStripeWebhookRequest
                {
                    Body = new() { ContentType = "application/json", Data = ByteString.CopyFromUtf8(body) },
                    Signature = signature,
                }
            );

    private static string Event(string intentId) =>
        new JsonObject
        {
            ["id"] = $"evt_{intentId}",
            ["type"] = "payment_intent.amount_capturable_updated",
            ["data"] = new JsonObject { ["object"] = new JsonObject { ["id"] = intentId } },
        }.ToJsonString();

    private string Sign(string body)
    {
        var time = Mesh.Clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var mac = HMACSHA256.HashData(
            Encoding.UTF8.GetBytes(WebhookSecret),
            Encoding.UTF8.GetBytes($"{time}.{body}")
        );
        return $"t={time},v1={Convert.ToHexStringLower(mac)}";
    }
}
