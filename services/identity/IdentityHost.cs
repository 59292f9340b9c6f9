using Microsoft.Extensions.DependencyInjection;

namespace Souk.Identity;

/// <summary>The process that serves identity.</summary>
internal static class IdentityHost
{
    private static Task Main() => ServiceHost.RunAsync("identity", Configure);

    /// <summary>What the process consists of.</summary>
    internal static void Configure(ServiceBuilder service)
    {
        service.Service<IdentityService>().Events<IdentityEvents>().Job<TokenCleanup>();
        service.Singleton<PasswordHasher>().Singleton<SigningKeys>().Singleton<TokenIssuer>();
        // Everybody else asks this service for keys and service tokens; it has them itself.
        service.Services.AddSingleton<ITokenKeySource>(provider =>
            provider.GetRequiredService<SigningKeys>()
        );
        service.Services.AddHostedService<SeedAccounts>();
    }
}
