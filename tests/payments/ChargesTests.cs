using Grpc.Core;
using Souk.Payments;
using Souk.Payments.V1;
using Souk.Tests.Harness;
using Souk.Type;

namespace Souk.Tests.Payments;

internal sealed class ChargesTests : PaymentsFixture
{
    [Test, Description("PAY-01 PAY-03")]
    public async Task AuthorizePayment_Success_SetsTheAmountAsideAndTakesNothing()
    {
        var checkout = Checkout();
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(payment.Status, Is.EqualTo(PaymentStatus.Authorized));
        Assert.That((payment.CardBrand, payment.CardLast4), Is.EqualTo(("visa", "4242")));
        Assert.That(payment.Amount, Is.EqualTo(checkout.Amount));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("authorized", 0L)));
    }

    [Test, Description("PAY-07 K14")]
    public async Task AuthorizePayment_FiftyParallelCalls_ChargeOnce()
    {
        var checkout = Checkout();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 50)
                .Select(async _ =>
                {
                    try
                    {
                        return (await Ordering.AuthorizePaymentAsync(checkout)).TransactionId;
                    }
                    catch (RpcException fault)
                    {
                        return Souk.Shared.Fault.ReasonOf(fault);
                    }
                })
        );
        var again = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(outcomes, Has.All.AnyOf(again.TransactionId, "PAYMENT_IN_PROGRESS"));
        Assert.That(outcomes, Has.Member(again.TransactionId));
        var rows = await Service.Db.ScalarAsync<long>(
            "select count(*) from payments where checkout_id = $1",
            [Guid.Parse(checkout.CheckoutId)],
            CancellationToken.None
        );
        Assert.That(rows, Is.EqualTo(1));
    }

    [Test, Description("PAY-07 PAY-11")]
    public async Task CapturePayment_Twice_TakesOnceAndPublishesOnce()
    {
        var checkout = Checkout();
        var authorized = await Ordering.AuthorizePaymentAsync(checkout);
        var first = await CaptureAsync(checkout);
        var second = await CaptureAsync(checkout);
        Assert.That(first.Status, Is.EqualTo(PaymentStatus.Completed));
        Assert.That(second, Is.EqualTo(first));
        Assert.That(second.TransactionId, Is.EqualTo(authorized.TransactionId));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", checkout.Amount.MinorUnits)));
        Assert.That(await EventsAsync("payment.completed", first.PaymentId), Is.EqualTo(1));
    }

    [TestCase("tok_declined", "card_declined")]
    [TestCase("tok_insufficient_funds", "insufficient_funds")]
    [TestCase("tok_never_heard_of", "invalid_token")]
    [Description("PAY-03")]
    public async Task AuthorizePayment_Declined_IsAnAnswerAndTakesNothing(string token, string declineCode)
    {
        var checkout = Checkout(token);
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That((payment.Status, payment.DeclineCode), Is.EqualTo((PaymentStatus.Failed, declineCode)));
        var failure = await Failure.OfAsync(() => CaptureAsync(checkout));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "BAD_STATE")));
    }

    [Test, Description("PAY-08")]
    public async Task AuthorizePayment_AnswerLost_IsLookedUpAndNotChargedAgain()
    {
        var checkout = Checkout("tok_timeout_after_success");
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(payment.Status, Is.EqualTo(PaymentStatus.Authorized));
        Assert.That((await CaptureAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Completed));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", checkout.Amount.MinorUnits)));
    }

    [TestCase("approve", PaymentStatus.Authorized)]
    [TestCase("reject", PaymentStatus.Failed)]
    public async Task ConfirmPayment_OfAChallenge_DecidesItAndTellsTheCheckout(
        string outcome,
        PaymentStatus after
    )
    {
        var checkout = Checkout("tok_challenge");
        var waiting = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(waiting.Status, Is.EqualTo(PaymentStatus.Pending));
        Assert.That(waiting.NextAction.Type, Is.EqualTo("redirect"));
        var buyer = As(new TestCaller(checkout.UserId, Souk.Options.V1.Role.Buyer));
        var confirm = new ConfirmPaymentRequest { PaymentId = waiting.PaymentId, Outcome = outcome };
        var decided = await buyer.ConfirmPaymentAsync(confirm);
        Assert.That(decided.Status, Is.EqualTo(after));
        Assert.That(
            await buyer.ConfirmPaymentAsync(confirm),
            Is.EqualTo(decided),
            "a repeat changes nothing"
        );
        Assert.That(await EventsAsync("payment.updated", waiting.PaymentId), Is.EqualTo(1));
        confirm.Outcome = outcome == "approve" ? "reject" : "approve";
        var otherwise = await Failure.OfAsync(() => buyer.ConfirmPaymentAsync(confirm));
        Assert.That(otherwise, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "BAD_STATE")));
    }

    [TestCase("cod", "")]
    [TestCase("card", "tok_declined")]
    public async Task ConfirmPayment_NothingIsAskedFor_FailsWithBadState(string method, string token)
    {
        var checkout = Checkout(token);
        checkout.PaymentMethod = method;
        var payment = await Ordering.AuthorizePaymentAsync(checkout);
        var buyer = As(new TestCaller(checkout.UserId, Souk.Options.V1.Role.Buyer));
        var failure = await Failure.OfAsync(() =>
            buyer.ConfirmPaymentAsync(new ConfirmPaymentRequest { PaymentId = payment.PaymentId })
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "BAD_STATE")));
    }

    [Test, Description("PAY-07: one call at a time talks to the provider")]
    public async Task CapturePayment_WhileAnotherCallWorksOnIt_FailsWithPaymentInProgress()
    {
        var (authorized, challenged) = (Checkout(), Checkout("tok_challenge"));
        await Ordering.AuthorizePaymentAsync(authorized);
        var waiting = await Ordering.AuthorizePaymentAsync(challenged);
        var buyer = As(new TestCaller(challenged.UserId, Souk.Options.V1.Role.Buyer));
        await Service.Db.ExecuteAsync(
            "update payments set lease_until = $1 where checkout_id = any($2)",
            [
                Mesh.Clock.GetUtcNow() + PaymentBook.LeaseTime,
                new[] { Guid.Parse(authorized.CheckoutId), Guid.Parse(challenged.CheckoutId) },
            ],
            CancellationToken.None
        );
        var confirm = new ConfirmPaymentRequest { PaymentId = waiting.PaymentId };
        Func<Task<Payment>>[] calls =
        [
            () => CaptureAsync(authorized),
            () => CancelAsync(authorized),
            () => buyer.ConfirmPaymentAsync(confirm).ResponseAsync,
        ];
        foreach (var call in calls)
        {
            var failure = await Failure.OfAsync(call);
            Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "PAYMENT_IN_PROGRESS")));
        }
        Assert.That((await BooksAsync(authorized)).State, Is.EqualTo("authorized"));
        Assert.That((await BooksAsync(challenged)).State, Is.EqualTo("needs_action"));
    }

    [Test, Description("X-06")]
    public async Task GetPayment_OfAnother_FailsWithNotFound()
    {
        var payment = await Ordering.AuthorizePaymentAsync(Checkout());
        var failure = await Failure.OfAsync(() =>
            As(TestCaller.Buyer()).GetPaymentAsync(new GetPaymentRequest { PaymentId = payment.PaymentId })
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.NotFound));
    }

    [Test, Description("X-06")]
    public async Task ConfirmPayment_OfAnother_FailsWithNotFoundAndDecidesNothing()
    {
        var checkout = Checkout("tok_challenge");
        var waiting = await Ordering.AuthorizePaymentAsync(checkout);
        var failure = await Failure.OfAsync(async () =>
            await As(TestCaller.Buyer())
                .ConfirmPaymentAsync(new ConfirmPaymentRequest { PaymentId = waiting.PaymentId })
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND")));
        Assert.That((await BooksAsync(checkout)).State, Is.EqualTo("needs_action"));
    }

    [Test, Description("PAY-05")]
    public async Task AuthorizePayment_CashOnDelivery_IsPendingUntilCollected()
    {
        var checkout = Checkout();
        checkout.PaymentMethod = "cod";
        checkout.Token = "";
        Assert.That(
            (await Ordering.AuthorizePaymentAsync(checkout)).Status,
            Is.EqualTo(PaymentStatus.PendingCod)
        );
        Assert.That((await CaptureAsync(checkout)).Status, Is.EqualTo(PaymentStatus.PendingCod));
        var collect = new CollectPaymentRequest { CheckoutId = checkout.CheckoutId };
        var collected = await Ordering.CollectPaymentAsync(collect);
        Assert.That(collected.Status, Is.EqualTo(PaymentStatus.Completed));
        Assert.That(await Ordering.CollectPaymentAsync(collect), Is.EqualTo(collected));
        Assert.That(await EventsAsync("payment.completed", collected.PaymentId), Is.EqualTo(1));
    }

    [Test, Description("PAY-05")]
    public async Task CollectPayment_OfACard_FailsWithBadState()
    {
        var checkout = Checkout();
        await Ordering.AuthorizePaymentAsync(checkout);
        var failure = await Failure.OfAsync(() =>
            Ordering.CollectPaymentAsync(new CollectPaymentRequest { CheckoutId = checkout.CheckoutId })
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "BAD_STATE")));
    }

    [Test, Description("K14")]
    public async Task AuthorizePayment_OtherAmountForTheCheckout_FailsWithIdempotencyMismatch()
    {
        var checkout = Checkout();
        await Ordering.AuthorizePaymentAsync(checkout);
        checkout.Amount = new Money { Currency = "USD", MinorUnits = 1 };
        var failure = await Failure.OfAsync(() => Ordering.AuthorizePaymentAsync(checkout));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Aborted, "IDEMPOTENCY_MISMATCH")));
    }

    [TestCase("4242424242424242")]
    [TestCase("4242 4242 4242 4242")]
    [TestCase("378282246310005")]
    [TestCase("my card is 4242-4242-4242-4242, thanks")]
    [Description("PAY-12")]
    public async Task AuthorizePayment_CardNumber_IsRefusedAndKeptNowhere(string number)
    {
        var checkout = Checkout(number);
        var failure = await Failure.OfAsync(() => Ordering.AuthorizePaymentAsync(checkout));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "CARD_NUMBER_REFUSED")));
        Assert.That(failure.Error.Status.Detail, Does.Not.Contain(number));
        var rows = await Service.Db.ScalarAsync<long>(
            "select count(*) from payments where token = $1",
            [number],
            CancellationToken.None
        );
        Assert.That(rows, Is.Zero);
    }

    [Test, Description("PAY-12")]
    public async Task CancelPayment_CardNumberInTheReason_IsRefusedAndChangesNothing()
    {
        var checkout = Checkout();
        await Ordering.AuthorizePaymentAsync(checkout);
        var failure = await Failure.OfAsync(async () =>
            await Ordering.CancelPaymentAsync(
                new CancelPaymentRequest
                {
                    CheckoutId = checkout.CheckoutId,
                    Reason = "paid with 4242 4242 4242 4242",
                }
            )
        );
        Assert.That(failure.Reason, Is.EqualTo("CARD_NUMBER_REFUSED"));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("authorized", 0L)));
    }

    [TestCase("tok_success")]
    [TestCase("tok_timeout_after_success")]
    [Description("ORD-07 ORD-08")]
    public async Task CancelPayment_AgainstCapturePayment_EndsWithNothingTaken(string token)
    {
        for (var round = 0; round < 5; round++)
        {
            var checkout = Checkout(token);
            await Ordering.AuthorizePaymentAsync(checkout);
            // Whoever finds the other at work gives up; the workflow would come again.
            await Task.WhenAll(
                TriedAsync(() => CaptureAsync(checkout)),
                TriedAsync(() => CancelAsync(checkout)),
                TriedAsync(() => CaptureAsync(checkout))
            );
            var ended = await CancelAsync(checkout);
            Assert.That(ended.Status, Is.AnyOf(PaymentStatus.Failed, PaymentStatus.Refunded));
            Assert.That((await BooksAsync(checkout)).NetMinor, Is.Zero);
            var late = await Failure.OfAsync(() => CaptureAsync(checkout));
            Assert.That(late, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "BAD_STATE")));
        }

        static async Task TriedAsync(Func<Task> call)
        {
            try
            {
                await call();
            }
            catch (RpcException fault)
            {
                Assert.That(
                    Souk.Shared.Fault.ReasonOf(fault),
                    Is.AnyOf("PAYMENT_IN_PROGRESS", "BAD_STATE", "PAYMENT_UNKNOWN")
                );
            }
        }
    }

    [Test, Description("ORD-07")]
    public async Task CancelPayment_Authorized_VoidsIt()
    {
        var checkout = Checkout();
        await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That((await CancelAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Failed));
        Assert.That((await CancelAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Failed));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("cancelled", 0L)));
    }

    [Test, Description("ORD-07")]
    public async Task CancelPayment_Captured_RefundsItWholeAndOnce()
    {
        var checkout = Checkout();
        await Ordering.AuthorizePaymentAsync(checkout);
        await CaptureAsync(checkout);
        Assert.That((await CancelAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Refunded));
        Assert.That((await CancelAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Refunded));
        Assert.That(await BooksAsync(checkout), Is.EqualTo(("captured", 0L)));
    }

    [Test, Description("ORD-08")]
    public async Task AuthorizePayment_AfterTheCheckoutWasCancelled_TakesNothing()
    {
        var checkout = Checkout();
        await CancelAsync(checkout);
        var late = await Ordering.AuthorizePaymentAsync(checkout);
        Assert.That(late.Status, Is.EqualTo(PaymentStatus.Failed));
        Assert.That((await CancelAsync(checkout)).Status, Is.EqualTo(PaymentStatus.Failed));
    }

    [Test, Description("PAY-01")]
    public async Task ListPayments_ByABuyer_ShowsOnlyTheirsNewestFirst()
    {
        var buyer = TestCaller.Buyer();
        var made = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var checkout = Checkout();
            checkout.UserId = buyer.UserId;
            made.Insert(0, (await Ordering.AuthorizePaymentAsync(checkout)).PaymentId);
        }

        var first = await As(buyer).ListPaymentsAsync(new ListPaymentsRequest { PageSize = 2 });
        var second = await As(buyer)
            .ListPaymentsAsync(new ListPaymentsRequest { PageSize = 2, PageToken = first.NextPageToken });
        Assert.That(first.Payments.Concat(second.Payments).Select(p => p.PaymentId), Is.EquivalentTo(made));
        Assert.That(second.NextPageToken, Is.Empty);
    }
}
