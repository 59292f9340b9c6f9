using Souk.Identity;
using Souk.Identity.V1;
using Souk.Tests.Harness;
using IdentityService = Souk.Identity.V1.IdentityService;

namespace Souk.Tests.Identity;

/// <summary>Identity on a database of its own.</summary>
[Parallelizable(ParallelScope.All)]
internal abstract class IdentityFixture
{
    protected const string Password = "correct horse battery";

    protected TestMesh Mesh { get; private set; } = null!;

    protected TestService Service { get; private set; } = null!;

    protected IdentityService.IdentityServiceClient Anybody =>
        Mesh.Client<IdentityService.IdentityServiceClient>("identity");

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        Mesh = new TestMesh();
        Service = await Mesh.AddAsync("identity", IdentityHost.Configure);
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await Mesh.DisposeAsync();

    protected IdentityService.IdentityServiceClient As(TestCaller caller) =>
        Mesh.Client<IdentityService.IdentityServiceClient>("identity", caller);

    /// <summary>A client that sends this very token.</summary>
    protected IdentityService.IdentityServiceClient With(string token) =>
        new(
            Grpc.Core.Interceptors.CallInvokerExtensions.Intercept(
                Mesh.Routes.To("identity"),
                headers =>
                {
                    headers.Add("authorization", $"Bearer {token}");
                    return headers;
                }
            )
        );

    protected async Task<User> RegisterAsync(string? email = null) =>
        await Anybody.RegisterUserAsync(
            new RegisterUserRequest
            {
                Name = "Ada Buyer",
                Email = email ?? NewEmail(),
                Password = Password,
            }
        );

    protected async Task<TokenSet> LoginAsync(string email, string password = Password) =>
        await Anybody.LoginUserAsync(new LoginUserRequest { Email = email, Password = password });

    protected static string NewEmail() => $"{Guid.CreateVersion7():N}@example.com";
}
