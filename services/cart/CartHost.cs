using Dapr.Client;
using Microsoft.Extensions.DependencyInjection;
using Souk.Catalog.V1;

namespace Souk.Cart;

/// <summary>The process that serves carts.</summary>
internal static class CartHost
{
    private static Task Main() => ServiceHost.RunAsync("cart", Configure);

    /// <summary>What the process consists of.</summary>
    internal static void Configure(ServiceBuilder service) =>
        Configure(service, CartSettings.FromEnvironment());

    /// <summary>As above, with settings that a test chose.</summary>
    internal static void Configure(ServiceBuilder service, CartSettings settings)
    {
        service.Service<CartService>().Events<CartEvents>().Job<CartExpiries>().Job<CartReminders>();
        service.Client<CatalogService.CatalogServiceClient>("catalog");
        service.Needs<CartStore>().Singleton<GuestCarts>().Singleton<Coupons>().Singleton<Pricing>();
        service.Services.AddSingleton(settings);
        service.Services.AddSingleton<DaprClient>(_ =>
            new DaprClientBuilder()
                .UseGrpcEndpoint($"http://127.0.0.1:{service.Settings.DaprGrpcPort}")
                .Build()
        );
    }
}
