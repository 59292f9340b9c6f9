using System.Security.Cryptography.X509Certificates;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>A Redis that does not let everybody in: passwords, users, certificates.</summary>
internal sealed class RedisAccessTests : SidecarFixture
{
    [TestCase("", "everybody", true)]
    [TestCase("shop", "secret", true)]
    [TestCase("shop", "everybody", false)]
    [TestCase("", "", false)]
    public async Task SaveState_RedisAsksForAPassword_TakesTheUsersOwnOnly(
        string user,
        string password,
        bool isRight
    )
    {
        var redis = Own(await RedisProcess.StartAsync());
        await redis.ExecuteAsync("ACL", "SETUSER", "shop", "on", ">secret", "~*", "&*", "+@all");
        await redis.ExecuteAsync("CONFIG", "SET", "requirepass", "everybody");
        var metadata = Yaml.Item("redisUsername", user) + Yaml.Item("redisPassword", password);
        await AssertServesAsync(Store(redis.Port, metadata), isRight ? null : "redisHost names a server");
    }

    [TestCase(true, null)]
    [TestCase(false, "certificate")]
    public async Task SaveState_RedisSpeaksTls_OfAStrangerOnlyWhenToldTo(bool skips, string? problem)
    {
        using var certificate = TestAuthority.Ours.Issue("redis");
        var relay = Own(new TlsRelay(certificate, Backends.Redis));
        var metadata =
            Yaml.Item("enableTLS", "true") + Yaml.Item("insecureSkipTLSVerify", skips ? "true" : "false");
        await AssertServesAsync(Store(relay.Port, metadata), problem);
    }

    [Test]
    public async Task SaveState_RedisAsksForACertificate_IsShownTheComponents()
    {
        using var certificate = TestAuthority.Ours.Issue("redis");
        using var own = TestAuthority.Ours.Issue("shop");
        var relay = Own(new TlsRelay(certificate, Backends.Redis));
        using var folder = new TemporaryFolder();
        using var secret = own.GetECDsaPrivateKey();
        var shown = folder.Write("shop.pem", own.ExportCertificatePem());
        var key = folder.Write("shop.key", secret?.ExportPkcs8PrivateKeyPem() ?? "");
        var metadata =
            Yaml.Item("enableTLS", "true")
            + Yaml.Item("insecureSkipTLSVerify", "true")
            + Yaml.Item("clientCert", shown)
            + Yaml.Item("clientKey", key);
        await AssertServesAsync(Store(relay.Port, metadata), null);
        Assert.That(relay.Callers, Is.All.EqualTo("CN=shop"));
    }

    [Test]
    public async Task StateRedis_CertificateThatIsNone_EndsTheStartWithTheField()
    {
        var metadata = Yaml.Item("clientCert", "nowhere.pem") + Yaml.Item("clientKey", "nowhere.key");
        await AssertServesAsync(Store(6379, metadata), "clientCert and clientKey cannot be read");
    }

    private static string Store(int port, string metadata) =>
        Yaml.Component("store", "state.redis", "v1", Yaml.Item("redisHost", $"127.0.0.1:{port}") + metadata);

    // It serves, or the start says why not.
    private async Task AssertServesAsync(string store, string? problem)
    {
        if (problem is not null)
        {
            var mistake = await TestSidecar.MistakeAsync(store, TestSidecar.App("guest"));
            Assert.That(
                mistake.Message,
                Does.Contain("component 'store' (state.redis): ").And.Contain(problem)
            );
            return;
        }
        var client = Own(await TestSidecar.StartAsync(store, TestSidecar.App("guest"))).Client("guest");
        var key = Guid.CreateVersion7().ToString("N");
        var save = new SaveStateRequest { StoreName = "store" };
        save.States.Add(new StateItem { Key = key, Value = ByteString.CopyFromUtf8("let in") });
        await client.SaveStateAsync(save);
        var read = await client.GetStateAsync(new GetStateRequest { StoreName = "store", Key = key });
        Assert.That(read.Data.ToStringUtf8(), Is.EqualTo("let in"));
    }
}
