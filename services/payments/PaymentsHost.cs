using Microsoft.Extensions.DependencyInjection;
using Souk.Payments.Providers;

namespace Souk.Payments;

/// <summary>The process that serves payments.</summary>
internal static class PaymentsHost
{
    private static Task Main() => ServiceHost.RunAsync("payments", Configure);

    /// <summary>What the process consists of.</summary>
    internal static void Configure(ServiceBuilder service) =>
        Configure(service, PaymentsSettings.FromEnvironment());

    /// <summary>As above, with settings that a test chose.</summary>
    internal static void Configure(ServiceBuilder service, PaymentsSettings settings)
    {
        service.Service<PaymentsService>().Job<PaymentResolver>();
        service.Singleton<PaymentBook>().Singleton<ProviderCalls>().Singleton<Refunds>();
        service.Services.AddSingleton(settings);
        if (settings.Provider == "stripe")
            service.Services.AddSingleton<IPaymentProvider>(_ => new StripeProvider(
                StripeClient(settings),
                settings
            ));
        else
            service.Services.AddSingleton<IPaymentProvider, SimulatorProvider>();
    }

    private static HttpClient StripeClient(PaymentsSettings settings) =>
        new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), UseCookies = false })
        {
            BaseAddress = settings.StripeUrl,
            MaxResponseContentBufferSize = 1024 * 1024,
        };
}
