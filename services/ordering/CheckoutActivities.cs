using Dapr.Workflow;
using Grpc.Core;
using Souk.Cart.V1;
using Souk.Inventory.V1;
using Souk.Ordering.V1;
using Souk.Payments.V1;
using InventoryReason = Souk.Inventory.V1.Reason;

namespace Souk.Ordering;

// The steps of CheckoutWorkflow and RefundWorkflow. Each is idempotent by the order's UUID: the hold's key,
// the payment's key and the order's status see to it. A step throws while it may still succeed, and the
// workflow tries it again.

/// <summary>
/// A step on the way to a sale. It is refused once the buyer has cancelled, and ends with a failure when the
/// service it calls gives an answer that no repeat can change; any other error goes to the workflow, which
/// tries again. </summary>
internal abstract class SaleStep(CheckoutOrders orders) : WorkflowActivity<Guid, StepResult>
{
    public sealed override async Task<StepResult> RunAsync(WorkflowActivityContext context, Guid input)
    {
        var order = await orders.GetAsync(input, CancellationToken.None);
        if (order.Status == OrderStatus.Cancelled)
            return CheckoutFaults.Cancelled;
        try
        {
            return await TakeAsync(order);
        }
        catch (RpcException fault) when (CheckoutFaults.IsFinal(fault))
        {
            return Refused(fault);
        }
    }

    /// <summary>Takes the step.</summary>
    protected abstract Task<StepResult> TakeAsync(CheckoutOrder order);

    /// <summary>What the buyer reads when the step was refused for good.</summary>
    protected abstract StepResult Refused(RpcException fault);
}

/// <summary>Holds every line's units for ten minutes, all or none.</summary>
internal sealed class HoldStock(
    CheckoutOrders orders,
    InventoryService.InventoryServiceClient inventory,
    Mesh mesh,
    CheckoutSignals signals
) : SaleStep(orders)
{
    protected override async Task<StepResult> TakeAsync(CheckoutOrder order)
    {
        var request = new ReserveStockRequest
        {
            HoldId = order.Key,
            OrderId = order.WireId,
            UserId = order.UserId,
            Country = order.Country,
        };
        request.Lines.Add(
            order.Skus.Zip(
                order.Quantities,
                (sku, quantity) => new StockLine { Sku = sku, Quantity = quantity }
            )
        );
        await inventory.ReserveStockAsync(
            request,
            await mesh.AsServiceAsync(CheckoutFaults.CallTimeout, default)
        );
        signals.Reached(order.Id, CheckoutStage.StockDecided);
        return StepResult.Done;
    }

    protected override StepResult Refused(RpcException fault) =>
        CheckoutFaults.Failed(
            fault,
            Reasons.OutOfStock,
            Fault.Is(fault, InventoryReason.OutOfStock)
                ? "Sorry, Sold Out"
                : "Sorry, this cannot be delivered at the moment."
        );
}

/// <summary>Has the provider set the total aside, or notes cash on delivery.</summary>
internal sealed class AuthorizePayment(
    CheckoutOrders orders,
    PaymentsService.PaymentsServiceClient payments,
    Mesh mesh
) : SaleStep(orders)
{
    private readonly CheckoutOrders _orders = orders;

    protected override async Task<StepResult> TakeAsync(CheckoutOrder order)
    {
        if (order.Total.IsZero)
            return StepResult.Done;
        var payment = await payments.AuthorizePaymentAsync(
            new AuthorizePaymentRequest
            {
                CheckoutId = order.Key,
                OrderId = order.WireId,
                UserId = order.UserId,
                Amount = order.Total.ToProto(),
                PaymentMethod = order.PaymentMethod,
                Token = order.PaymentToken,
            },
            await mesh.AsServiceAsync(CheckoutFaults.ProviderTimeout, default)
        );
        switch (payment.Status)
        {
            case PaymentStatus.Authorized or PaymentStatus.PendingCod or PaymentStatus.Completed:
                return new StepResult(PaymentId: payment.PaymentId);
            case PaymentStatus.Failed or PaymentStatus.Refunded:
                return payment.DeclineCode == "insufficient_funds"
                    ? StepResult.Failed(
                        Reasons.InsufficientFunds,
                        "Payment Failed: the card lacks the money."
                    )
                    : StepResult.Failed(Reasons.PaymentDeclined, "Payment Failed");
            default:
                if (payment.NextAction is { } action)
                    await _orders.ShowPaymentAsync(
                        order.Id,
                        payment.PaymentId,
                        action.Url,
                        CancellationToken.None
                    );
                return new StepResult(Waits: true, PaymentId: payment.PaymentId);
        }
    }

    protected override StepResult Refused(RpcException fault) =>
        CheckoutFaults.Failed(fault, Reasons.PaymentDeclined, "Payment Failed");
}

/// <summary>Takes the held units out of stock for good.</summary>
internal sealed class CompleteHold(
    CheckoutOrders orders,
    InventoryService.InventoryServiceClient inventory,
    Mesh mesh
) : SaleStep(orders)
{
    protected override async Task<StepResult> TakeAsync(CheckoutOrder order)
    {
        await inventory.CompleteReservationAsync(
            new CompleteReservationRequest { HoldId = order.Key },
            await mesh.AsServiceAsync(CheckoutFaults.CallTimeout, default)
        );
        return StepResult.Done;
    }

    protected override StepResult Refused(RpcException fault) =>
        CheckoutFaults.Failed(
            fault,
            Reasons.CheckoutTimeout,
            "The checkout took too long; nothing was charged."
        );
}

/// <summary>Takes the money that was set aside.</summary>
internal sealed class CapturePayment(
    CheckoutOrders orders,
    PaymentsService.PaymentsServiceClient payments,
    Mesh mesh
) : SaleStep(orders)
{
    protected override async Task<StepResult> TakeAsync(CheckoutOrder order)
    {
        if (order.Total.IsZero)
            return StepResult.Done;
        await payments.CapturePaymentAsync(
            new CapturePaymentRequest { CheckoutId = order.Key },
            await mesh.AsServiceAsync(CheckoutFaults.ProviderTimeout, default)
        );
        return StepResult.Done;
    }

    protected override StepResult Refused(RpcException fault) =>
        CheckoutFaults.Failed(fault, Reasons.PaymentDeclined, "Payment Failed");
}

/// <summary>Makes the order confirmed and publishes it, in one transaction.</summary>
internal sealed class ConfirmOrder(CheckoutOrders orders) : WorkflowActivity<ConfirmOrderInput, StepResult>
{
    public override async Task<StepResult> RunAsync(
        WorkflowActivityContext context,
        ConfirmOrderInput input
    ) =>
        await orders.ConfirmAsync(input.OrderId, input.PaymentId, CancellationToken.None)
            ? StepResult.Done
            : CheckoutFaults.Cancelled;
}

/// <summary>Takes what was bought out of the buyer's cart.</summary>
internal sealed class ClearCart(CheckoutOrders orders, CartService.CartServiceClient carts, Mesh mesh)
    : WorkflowActivity<Guid, StepResult>
{
    public override async Task<StepResult> RunAsync(WorkflowActivityContext context, Guid input)
    {
        var order = await orders.GetAsync(input, CancellationToken.None);
        var request = new ClearPurchasedItemsRequest { UserId = order.UserId, OrderId = order.WireId };
        request.Coupons.Add(order.Coupons);
        request.Items.Add(
            order.Skus.Zip(
                order.Quantities,
                (sku, quantity) => new QuoteItem { Sku = sku, Quantity = quantity }
            )
        );
        await carts.ClearPurchasedItemsAsync(
            request,
            await mesh.AsServiceAsync(CheckoutFaults.CallTimeout, default)
        );
        return StepResult.Done;
    }
}

/// <summary>Brings the net charge to 0: cancels, voids or refunds, whatever it takes.</summary>
internal sealed class CancelPayment(PaymentsService.PaymentsServiceClient payments, Mesh mesh)
    : WorkflowActivity<Guid, StepResult>
{
    public override async Task<StepResult> RunAsync(WorkflowActivityContext context, Guid input)
    {
        await payments.CancelPaymentAsync(
            new CancelPaymentRequest { CheckoutId = input.ToString(), Reason = "order not sold" },
            await mesh.AsServiceAsync(CheckoutFaults.ProviderTimeout, default)
        );
        return StepResult.Done;
    }
}

/// <summary>Puts the units back on sale, whether they were only held or already taken.</summary>
internal sealed class ReturnStock(InventoryService.InventoryServiceClient inventory, Mesh mesh)
    : WorkflowActivity<Guid, StepResult>
{
    public override async Task<StepResult> RunAsync(WorkflowActivityContext context, Guid input)
    {
        await inventory.RestockReservationAsync(
            new RestockReservationRequest { HoldId = input.ToString() },
            await mesh.AsServiceAsync(CheckoutFaults.CallTimeout, default)
        );
        return StepResult.Done;
    }
}

/// <summary>Ends an order that did not become a sale.</summary>
internal sealed class FailOrder(CheckoutOrders orders) : WorkflowActivity<FailOrderInput, CheckoutResult>
{
    public override Task<CheckoutResult> RunAsync(WorkflowActivityContext context, FailOrderInput input) =>
        orders.FailAsync(input.OrderId, input.Failure, CancellationToken.None);
}

/// <summary>Notes that a refund is through.</summary>
internal sealed class CloseRefund(CheckoutOrders orders) : WorkflowActivity<Guid, bool>
{
    public override Task<bool> RunAsync(WorkflowActivityContext context, Guid input) =>
        orders.CloseRefundAsync(input, CancellationToken.None);
}
