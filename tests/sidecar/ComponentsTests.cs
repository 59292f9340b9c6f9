using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Sidecar.Files;

namespace Souk.Tests.Sidecar;

/// <summary>
/// Component files: references, scopes, mistakes; and the small APIs that need few lines each.
/// </summary>
internal sealed class ComponentsTests
{
    [Test]
    public async Task Components_Scopes_HideThemFromOtherApps()
    {
        var component = Yaml.Component("store", "state.in-memory", "v1", "") + "scopes: [mine]\n";
        await using var sidecar = await TestSidecar.StartAsync(
            component + Yaml.Component("other", "state.in-memory", "v1", ""),
            TestSidecar.App("mine"),
            TestSidecar.App("yours")
        );
        var get = new GetStateRequest { StoreName = "store", Key = "k" };
        await sidecar.Client("mine").GetStateAsync(get);
        var failure = await DaprFailure.OfAsync(async () => await sidecar.Client("yours").GetStateAsync(get));
        Assert.That(failure.Reason, Is.EqualTo("DAPR_STATE_NOT_FOUND"));
    }

    [Test]
    public async Task Components_NoneAtAll_SayNotConfigured()
    {
        await using var sidecar = await TestSidecar.StartAsync("", TestSidecar.App("bare"));
        var client = sidecar.Client("bare");
        var failures = new[]
        {
            await DaprFailure.OfAsync(async () =>
                await client.GetStateAsync(new() { StoreName = "s", Key = "k" })
            ),
            await DaprFailure.OfAsync(async () =>
                await client.PublishEventAsync(new() { PubsubName = "p", Topic = "t" })
            ),
            await DaprFailure.OfAsync(async () => await client.TryLockAlpha1Async(Lock("l", 1))),
            await DaprFailure.OfAsync(async () =>
                await client.GetSecretAsync(new() { StoreName = "s", Key = "k" })
            ),
        };
        Assert.That(failures.Select(failure => failure.Code), Is.All.EqualTo(StatusCode.FailedPrecondition));
        Assert.That(
            failures.Select(failure => failure.Reason),
            Is.EqualTo(new[] { "DAPR_STATE_NOT_CONFIGURED", "DAPR_PUBSUB_NOT_CONFIGURED", "", "" })
        );
    }

    [TestCase("state.oracle", "v1", "", "type is not known here; known are")]
    [TestCase("state.redis", "v1", "", "redisHost is required")]
    [TestCase(
        "state.redis",
        "v1",
        "- { name: redisHost, envRef: NOT_SET_ANYWHERE }",
        "needs the environment variable"
    )]
    [TestCase(
        "state.redis",
        "v1",
        "- { name: redisHost, value: \"127.0.0.1:x\" }",
        "redisHost must be host:port"
    )]
    [TestCase(
        "state.redis",
        "v1",
        "- { name: redisHost, value: \"127.0.0.1:1\" }",
        "no Redis at 127.0.0.1:1"
    )]
    [TestCase("state.postgresql", "v1", "- { name: connectionString, value: host=x }", "version must be v2")]
    [TestCase(
        "state.in-memory",
        "v1",
        "- { name: keyPrefix, value: \"a||b\" }",
        "keyPrefix can't contain '||'"
    )]
    [TestCase(
        "secretstores.local.file",
        "v1",
        "- { name: secretsFile, value: nowhere.json }",
        "which cannot be read"
    )]
    public async Task Components_Mistake_NamesFileComponentAndField(
        string type,
        string version,
        string metadata,
        string problem
    )
    {
        var error = await Assert.ThrowsAsync<ConfigException>(async () =>
            await TestSidecar.StartAsync(
                Yaml.Component("broken", type, version, metadata),
                TestSidecar.App("a")
            )
        );
        Assert.That(error?.Message, Does.Match(@"components\.yaml:\d+: component 'broken' \("));
        Assert.That(error?.Message, Does.Contain(problem));
    }

    [Test]
    public async Task Components_SameNameTwice_IsRefused()
    {
        var one = Yaml.Component("twice", "state.in-memory", "v1", "");
        var error = await Assert.ThrowsAsync<ConfigException>(async () =>
            await TestSidecar.StartAsync(one + one, TestSidecar.App("a"))
        );
        Assert.That(error?.Message, Does.Contain("'twice' is taken by"));
    }

    [Test]
    public async Task Components_SecretReference_IsResolvedFromTheLocalFile()
    {
        var secrets = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            secrets,
            """{ "redis": { "prefix": "from-secret" }, "list": ["a", "b"] }"""
        );
        var components =
            Yaml.Component("vault", "secretstores.local.file", "v1", Yaml.Item("secretsFile", secrets))
            + Yaml.Component(
                "store",
                "state.in-memory",
                "v1",
                "- { name: keyPrefix, secretKeyRef: { name: \"redis:prefix\" } }"
            )
            + "auth: { secretStore: vault }\n";
        await using var sidecar = await TestSidecar.StartAsync(components, TestSidecar.App("a"));
        var client = sidecar.Client("a");
        var secret = await client.GetSecretAsync(new() { StoreName = "vault", Key = "list:1" });
        Assert.That(secret.Data["list:1"], Is.EqualTo("b"));
        var all = await client.GetBulkSecretAsync(new() { StoreName = "vault" });
        Assert.That(all.Data.Keys, Is.EquivalentTo(new[] { "redis:prefix", "list:0", "list:1" }));
        var missing = await DaprFailure.OfAsync(async () =>
            await client.GetSecretAsync(new() { StoreName = "vault", Key = "nothing" })
        );
        Assert.That(missing.Code, Is.EqualTo(StatusCode.Internal));
        var unknown = await DaprFailure.OfAsync(async () =>
            await client.GetSecretAsync(new() { StoreName = "x", Key = "y" })
        );
        Assert.That(
            (unknown.Code, unknown.Message),
            Is.EqualTo((StatusCode.InvalidArgument, "failed finding secret store with key x"))
        );
        File.Delete(secrets);
    }

    [Test]
    public async Task TryLock_Held_IsFalseForEveryoneUntilUnlocked()
    {
        await using var sidecar = await TestSidecar.StartAsync(
            Yaml.RedisLock(),
            TestSidecar.App("locker" + Guid.CreateVersion7().ToString("N"))
        );
        var client = sidecar.Client(sidecar.AppId);
        Assert.That((await client.TryLockAlpha1Async(Lock("locks", 60))).Success);
        Assert.That((await client.TryLockAlpha1Async(Lock("locks", 60))).Success, Is.False);
        Assert.That((await client.TryLockAlpha1Async(Lock("locks", 60, "other"))).Success, Is.False);
        Assert.That(
            await UnlockAsync(client, "other"),
            Is.EqualTo(UnlockResponse.Types.Status.LockBelongsToOthers)
        );
        Assert.That(await UnlockAsync(client, "me"), Is.EqualTo(UnlockResponse.Types.Status.Success));
        Assert.That(
            await UnlockAsync(client, "me"),
            Is.EqualTo(UnlockResponse.Types.Status.LockDoesNotExist)
        );
        Assert.That((await client.TryLockAlpha1Async(Lock("locks", 1, "other"))).Success);
        await Eventually.ThatAsync(
            async () => (await client.TryLockAlpha1Async(Lock("locks", 60))).Success,
            "the lock to expire"
        );
    }

    [TestCase("r", "o", 0, "ExpiryInSeconds is not positive in lock store locks")]
    [TestCase("", "o", 1, "ResourceId is empty in lock store locks")]
    [TestCase("r", "", 1, "LockOwner is empty in lock store locks")]
    public async Task TryLock_BadRequest_IsInvalid(string resource, string owner, int expiry, string message)
    {
        await using var sidecar = await TestSidecar.StartAsync(Yaml.RedisLock(), TestSidecar.App("a"));
        var request = new TryLockRequest
        {
            StoreName = "locks",
            ResourceId = resource,
            LockOwner = owner,
            ExpiryInSeconds = expiry,
        };
        var failure = await DaprFailure.OfAsync(async () =>
            await sidecar.Client("a").TryLockAlpha1Async(request)
        );
        Assert.That((failure.Code, failure.Message), Is.EqualTo((StatusCode.InvalidArgument, message)));
    }

    [Test]
    public async Task SetMetadata_Entry_ShowsInBothMetadata()
    {
        await using var sidecar = await TestSidecar.StartAsync("", TestSidecar.App("a"));
        await sidecar.Client("a").SetMetadataAsync(new() { Key = "colour", Value = "blue" });
        var metadata = await sidecar.Client("a").GetMetadataAsync(new());
        Assert.That(metadata.ExtendedMetadata["colour"], Is.EqualTo("blue"));
        Assert.That(metadata.ExtendedMetadata, Does.ContainKey("daprRuntimeVersion"));
        using var http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{sidecar.Spec("a").HttpPort}"),
        };
        Assert.That(await http.GetStringAsync("/v1.0/metadata"), Does.Contain("\"colour\":\"blue\""));
    }

    [Test]
    [Description("X-22")]
    public async Task Health_AppNotListening_OnlyOutboundIsReady()
    {
        var port = TopicApp.FreePort();
        await using var sidecar = await TestSidecar.StartAsync("", TestSidecar.App("a", port));
        using var http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{sidecar.Spec("a").HttpPort}"),
        };
        Assert.That((int)(await http.GetAsync("/v1.0/healthz/outbound")).StatusCode, Is.EqualTo(204));
        using var waiting = await http.GetAsync("/v1.0/healthz");
        Assert.That((int)waiting.StatusCode, Is.EqualTo(500));
        Assert.That(await waiting.Content.ReadAsStringAsync(), Does.Contain("ERR_HEALTH_NOT_READY"));
    }

    private static TryLockRequest Lock(string store, int expiry, string owner = "me") =>
        new()
        {
            StoreName = store,
            ResourceId = "thing",
            LockOwner = owner,
            ExpiryInSeconds = expiry,
        };

    private static async Task<UnlockResponse.Types.Status> UnlockAsync(
        Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient client,
        string owner
    )
    {
        var request = new UnlockRequest
        {
            StoreName = "locks",
            ResourceId = "thing",
            LockOwner = owner,
        };
        return (await client.UnlockAlpha1Async(request)).Status;
    }
}
