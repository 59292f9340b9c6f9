using Dapr.Workflow;
using Microsoft.Extensions.DependencyInjection;
using Souk.Cart.V1;
using Souk.Inventory.V1;
using Souk.Payments.V1;

namespace Souk.Ordering;

/// <summary>The process that serves ordering and runs its workflows.</summary>
internal static class OrderingHost
{
    private static Task Main() => ServiceHost.RunAsync("ordering", Configure);

    /// <summary>What the process consists of.</summary>
    internal static void Configure(ServiceBuilder service)
    {
        service.Service<OrderingService>().Events<OrderingEvents>().Job<CheckoutRecovery>();
        service
            .Client<CartService.CartServiceClient>("cart")
            .Client<InventoryService.InventoryServiceClient>("inventory")
            .Client<PaymentsService.PaymentsServiceClient>("payments");
        service
            .Singleton<OrderingService.Checkout>()
            .Singleton<CheckoutOrders>()
            .Singleton<CheckoutSignals>()
            .Singleton<CheckoutLauncher>();
        service.Services.AddSingleton(OrderingSettings.FromEnvironment());
        service.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<CheckoutWorkflow>();
            options.RegisterWorkflow<RefundWorkflow>();
            options.RegisterActivity<HoldStock>();
            options.RegisterActivity<AuthorizePayment>();
            options.RegisterActivity<CompleteHold>();
            options.RegisterActivity<CapturePayment>();
            options.RegisterActivity<ConfirmOrder>();
            options.RegisterActivity<ClearCart>();
            options.RegisterActivity<CancelPayment>();
            options.RegisterActivity<ReturnStock>();
            options.RegisterActivity<FailOrder>();
            options.RegisterActivity<CloseRefund>();
        });
    }
}
