using Grpc.Core;
using Souk.Payments.V1;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Payments;

[Description("PAY-10")]
internal sealed class RefundsTests : PaymentsFixture
{
    [Test]
    public async Task RefundPayment_PartsUpToTheWhole_ThenIsRefunded()
    {
        var (checkout, payment) = await CapturedAsync(minor: 1000);
        Assert.That((await RefundAsync(payment, 400)).Status, Is.EqualTo(PaymentStatus.Completed));
        Assert.That(await EventsAsync("payment.updated", payment.PaymentId), Is.Zero);
        var after = await RefundAsync(payment, 600);
        Assert.That(after.Status, Is.EqualTo(PaymentStatus.Refunded));
        Assert.That(await EventsAsync("payment.updated", payment.PaymentId), Is.EqualTo(1));
        Assert.That(after.RefundedAmount.MinorUnits, Is.EqualTo(1000));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", 0L)));
    }

    [Test]
    public async Task RefundPayment_WithoutAnAmount_GivesBackWhatIsLeft()
    {
        var (checkout, payment) = await CapturedAsync(minor: 1000);
        await RefundAsync(payment, 1);
        var rest = new RefundPaymentRequest { PaymentId = payment.PaymentId, RequestId = NewKey() };
        Assert.That((await Operator.RefundPaymentAsync(rest)).Status, Is.EqualTo(PaymentStatus.Refunded));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", 0L)));
    }

    [Test]
    public async Task RefundPayment_MoreThanIsLeft_FailsWithOverRefund()
    {
        var (_, payment) = await CapturedAsync(minor: 1000);
        await RefundAsync(payment, 700);
        var failure = await Failure.OfAsync(() => RefundAsync(payment, 301));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "OVER_REFUND")));
        Assert.That(failure.Metadata["left"], Is.EqualTo("3.00"));
    }

    [Test]
    public async Task RefundPayment_FiftyParallelParts_NeverExceedWhatWasTaken()
    {
        var (checkout, payment) = await CapturedAsync(minor: 1000);
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 50)
                .Select(async _ =>
                {
                    try
                    {
                        await RefundAsync(payment, 90);
                        return "ok";
                    }
                    catch (RpcException fault)
                    {
                        return Fault.ReasonOf(fault);
                    }
                })
        );
        Assert.That(outcomes.Count(outcome => outcome == "ok"), Is.EqualTo(11));
        Assert.That(outcomes.Count(outcome => outcome == "OVER_REFUND"), Is.EqualTo(39));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", 10L)));
    }

    [Test]
    public async Task RefundPayment_ParallelPartsOfTheWhole_EndRefundedAndSaySoOnce()
    {
        var payments = await Task.WhenAll(
            Enumerable.Range(0, 5).Select(async _ => (await CapturedAsync(minor: 1000)).Payment)
        );
        foreach (var payment in payments)
        {
            await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => RefundAsync(payment, 100)));
            var after = await Operator.GetPaymentAsync(
                new GetPaymentRequest { PaymentId = payment.PaymentId }
            );
            Assert.That(after.Status, Is.EqualTo(PaymentStatus.Refunded));
            Assert.That(await EventsAsync("payment.updated", payment.PaymentId), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task RefundPayment_SameKeyInParallel_RefundsOnce()
    {
        var (checkout, payment) = await CapturedAsync(minor: 1000);
        var key = NewKey();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RefundAsync(payment, 100, key)));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", 900L)));
    }

    [Test]
    public async Task RefundPayment_SameKeyOtherAmount_FailsWithIdempotencyMismatch()
    {
        var (_, payment) = await CapturedAsync(minor: 1000);
        var key = NewKey();
        await RefundAsync(payment, 100, key);
        var failure = await Failure.OfAsync(() => RefundAsync(payment, 200, key));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH")));
    }

    [Test, Description("PAY-12")]
    public async Task RefundPayment_CardNumberInTheReason_IsRefusedAndGivesNothingBack()
    {
        var (checkout, payment) = await CapturedAsync(minor: 1000);
        var refund = new RefundPaymentRequest
        {
            PaymentId = payment.PaymentId,
            RequestId = NewKey(),
            Reason = "back to 5555 5555 5555 4444",
        };
        var failure = await Failure.OfAsync(async () => await Operator.RefundPaymentAsync(refund));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "CARD_NUMBER_REFUSED")));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", 1000L)));
    }

    [Test]
    public async Task RefundPayment_NothingTakenYet_FailsWithBadState()
    {
        var payment = await Ordering.AuthorizePaymentAsync(Checkout());
        var failure = await Failure.OfAsync(() => RefundAsync(payment, 1));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "BAD_STATE")));
    }

    [TestCase(0)]
    [TestCase(-5)]
    public async Task RefundPayment_NoPositiveAmount_FailsNamingTheField(long minor)
    {
        var (_, payment) = await CapturedAsync(minor: 1000);
        var failure = await Failure.OfAsync(() => RefundAsync(payment, minor));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "amount" }));
    }

    [Test]
    public async Task RefundPayment_ByABuyer_IsRefused()
    {
        var (checkout, payment) = await CapturedAsync(minor: 1000);
        var buyer = As(new TestCaller(checkout.UserId, Souk.Options.V1.Role.Buyer));
        var failure = await Failure.OfAsync(() =>
            buyer.RefundPaymentAsync(
                new RefundPaymentRequest { PaymentId = payment.PaymentId, RequestId = NewKey() }
            )
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED")));
    }

    private PaymentsService.PaymentsServiceClient Operator => As(TestCaller.Operator());

    private async Task<(AuthorizePaymentRequest Checkout, Payment Payment)> CapturedAsync(long minor)
    {
        var checkout = Checkout(minor: minor);
        await Ordering.AuthorizePaymentAsync(checkout);
        return (checkout, await CaptureAsync(checkout));
    }

    private async Task<Payment> RefundAsync(Payment payment, long minor, string? key = null) =>
        await Operator.RefundPaymentAsync(
            new RefundPaymentRequest
            {
                PaymentId = payment.PaymentId,
                RequestId = key ?? NewKey(),
                Amount = new Souk.Type.Money { Currency = "USD", MinorUnits = minor },
            }
        );

    private static string NewKey() => Guid.CreateVersion7().ToString();
}
