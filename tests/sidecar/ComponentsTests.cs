using System.Net;
using System.Net.Sockets;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Sidecar.Redis;
using Souk.Tests.Harness;

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
        var broken = Yaml.Component("broken", type, version, metadata);
        var error = await TestSidecar.MistakeAsync(broken, TestSidecar.App("a"));
        Assert.That(error.Message, Does.Match(@"components\.yaml:\d+: component 'broken' \("));
        Assert.That(error.Message, Does.Contain(problem));
    }

    [TestCase("", true, true)]
    [TestCase("market", true, false)]
    public async Task Components_OfAnotherNamespace_CountOnlyWithoutOne(string space, bool mine, bool other)
    {
        static string Store(string name, string space) =>
            Yaml.Component(name, "state.in-memory", "v1", "")
                .Replace($"name: {name}\n", $"name: {name}\n  namespace: {space}\n");
        var settings = new SidecarSettings { Namespace = space };
        var components =
            Store("mine", "market")
            + Store("other", "harbour")
            + Yaml.Component("any", "state.in-memory", "v1", "");
        await using var sidecar = await TestSidecar.StartAsync(settings, components, TestSidecar.App("a"));
        var metadata = await sidecar.Client("a").GetMetadataAsync(new());
        var names = metadata.RegisteredComponents.Select(component => component.Name).ToArray();
        Assert.That(
            (names.Contains("mine"), names.Contains("other"), names.Contains("any")),
            Is.EqualTo((mine, other, true))
        );
    }

    [Test]
    public async Task Components_FoldersOfYamlAndYml_AreReadButNoSubfolders()
    {
        var folder = Directory.CreateTempSubdirectory("souk-folder-");
        var inner = folder.CreateSubdirectory("inner");
        string Store(string name) => Yaml.Component(name, "STATE.In-Memory", "", "");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "a.yaml"), Store("one") + Store("two"));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "b.yml"), Store("three"));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "c.json"), Store("four"));
        await File.WriteAllTextAsync(Path.Combine(inner.FullName, "d.yaml"), Store("five"));
        await File.WriteAllTextAsync(
            Path.Combine(folder.FullName, "e.yaml"),
            "kind: Configuration\nmetadata: { name: c }\n---\n# nothing\n---\nkind: Unheard\n"
        );
        var spec = TestSidecar.App("a") with
        {
            Directory = folder.FullName,
            ResourcesPaths = [folder.FullName],
        };
        await using var server = await Souk.Sidecar.SidecarServer.StartAsync(
            [spec],
            new SidecarSettings(),
            CancellationToken.None
        );
        var states = server.Apps.All.Single().Components.States;
        Assert.That(states.Select(state => state.Name), Is.EqualTo(new[] { "one", "two", "three" }));
        Assert.That(states.Select(state => state.Spec.Version), Is.All.EqualTo("v1"));
        folder.Delete(recursive: true);
    }

    [Test]
    public async Task Components_MetadataValues_AreTextNumberOrTruthValue()
    {
        var metadata = "- { NAME: ignored, name: KEYPREFIX, value: 7 }\n- { name: other, value: true }\n";
        await using var sidecar = await TestSidecar.StartAsync(
            Yaml.RedisState(metadata: metadata),
            TestSidecar.App("a")
        );
        var key = $"{Guid.CreateVersion7():N}";
        var save = new SaveStateRequest { StoreName = "store", States = { new StateItem { Key = key } } };
        await sidecar.Client("a").SaveStateAsync(save);
        Assert.That((await AskRedisAsync("EXISTS", $"7||{key}")).Integer, Is.EqualTo(1));
    }

    [Test]
    public async Task HttpEndpoint_Headers_AreValuesSecretsAndVariables()
    {
        Environment.SetEnvironmentVariable("SOUK_TEST_SHELF", "A7");
        Environment.SetEnvironmentVariable("SOUK_TEST_PIN", "1234");
        await using var site = await HttpTestApp.StartAsync(_ => Task.CompletedTask);
        var components =
            $$"""
                ---
                apiVersion: dapr.io/v1alpha1
                kind: HTTPEndpoint
                metadata: { name: far }
                spec:
                  baseUrl: http://127.0.0.1:{{site.Port}}/base
                  headers:
                    - { name: x-plain, value: p }
                    - { name: x-secret, secretKeyRef: { name: PIN, key: PIN } }
                    - { name: x-variable, envRef: SOUK_TEST_SHELF }
                auth: { secretStore: vault }

                """
            + Yaml.Component("vault", "secretstores.local.env", "v1", Yaml.Item("prefix", "SOUK_TEST_"));
        await using var sidecar = await TestSidecar.StartAsync(components, TestSidecar.App("a"));
        using var caller = sidecar.Http("a");
        Assert.That((await caller.GetAsync("/v1.0/invoke/far/method/m")).Status, Is.EqualTo(200));
        var seen = site.Requests.Single();
        Assert.That(seen.Line, Is.EqualTo("GET /base/m"));
        Assert.That(
            (seen.Headers["x-plain"], seen.Headers["x-secret"], seen.Headers["x-variable"]),
            Is.EqualTo(("p", "1234", "A7"))
        );
    }

    [TestCase("secretKeyRef: { name: NOT_THERE }", "auth: { secretStore: v }", 8, "secretKeyRef.name names")]
    [TestCase("secretKeyRef: { name: x }", "", 1, "auth.secretStore is required")]
    [TestCase("envRef: NOT_SET_ANYWHERE", "", 8, "envRef names NOT_SET_ANYWHERE, which is not set")]
    public async Task HttpEndpoint_Mistake_NamesFileLineAndField(
        string value,
        string auth,
        int line,
        string problem
    )
    {
        var endpoint = $$"""
            apiVersion: dapr.io/v1alpha1
            kind: HTTPEndpoint
            metadata: { name: far }
            {{(auth.Length == 0 ? "scopes: []" : auth)}}
            spec:
              baseUrl: http://127.0.0.1:9
              headers:
                - { name: x, {{value}} }

            """;
        var secrets = Path.GetTempFileName();
        await File.WriteAllTextAsync(secrets, "{}");
        var vault = Yaml.Component("v", "secretstores.local.file", "v1", Yaml.Item("secretsFile", secrets));
        var error = await TestSidecar.MistakeAsync(endpoint + vault, TestSidecar.App("a"));
        Assert.That(error.Message, Does.Contain($"components.yaml:{line}: ").And.Contain(problem));
        File.Delete(secrets);
    }

    [TestCase("false", ":", "redis:user:name=ann list:0=a list:1=b plain=1")]
    [TestCase("false", "/", "redis/user/name=ann list/0=a list/1=b plain=1")]
    [TestCase("true", ":", "redis=user:name>ann list=0>a,1>b plain=plain>1")]
    public async Task GetBulkSecret_LocalFile_FlattensAsItsFlagsSay(
        string multiValued,
        string separator,
        string expected
    )
    {
        var secrets = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            secrets,
            """{ "redis": { "user": { "name": "ann" } }, "list": ["a", "b"], "plain": 1 }"""
        );
        var metadata =
            Yaml.Item("secretsFile", secrets)
            + Yaml.Item("multiValued", multiValued)
            + Yaml.Item("nestedSeparator", separator);
        await using var sidecar = await TestSidecar.StartAsync(
            Yaml.Component("vault", "secretstores.local.file", "v1", metadata),
            TestSidecar.App("a")
        );
        var all = await sidecar.Client("a").GetBulkSecretAsync(new() { StoreName = "vault" });
        string Told(string name, IDictionary<string, string> values) =>
            multiValued == "true"
                ? $"{name}={string.Join(',', values.OrderBy(v => v.Key).Select(v => $"{v.Key}>{v.Value}"))}"
                : $"{values.Single().Key}={values.Single().Value}";
        var told = all.Data.Select(secret => Told(secret.Key, secret.Value.Secrets));
        Assert.That(told, Is.EquivalentTo(expected.Split(' ')));
        using var http = sidecar.Http("a");
        var bulk = (await http.GetAsync("/v1.0/secrets/vault/bulk")).Json;
        Assert.That(bulk.EnumerateObject().Count(), Is.EqualTo(all.Data.Count));
        var one = await http.GetAsync("/v1.0/secrets/vault/plain");
        Assert.That((one.Status, one.Body), Is.EqualTo((200, "{\"plain\":\"1\"}")));
        var none = await http.GetAsync("/v1.0/secrets/vault/nothing");
        Assert.That(none.Error, Is.EqualTo((500, "ERR_SECRET_GET", "")));
        Assert.That(
            none.Message,
            Does.StartWith("failed getting secret with key nothing from secret store vault: ")
        );
        File.Delete(secrets);
    }

    [Test]
    public async Task TryLock_Key_IsUnderTheAppsNameAndTheOwnerIsItsValue()
    {
        var app = GivenSidecar.AppId("locker" + Guid.CreateVersion7().ToString("N"));
        await using var sidecar = await TestSidecar.StartAsync(Yaml.RedisLock(), TestSidecar.App(app));
        await sidecar.Client(app).TryLockAlpha1Async(Lock("locks", 60));
        Assert.That((await AskRedisAsync("GET", $"lock||{app}||thing")).Text, Is.EqualTo("me"));
        Assert.That((await AskRedisAsync("TTL", $"lock||{app}||thing")).Integer, Is.InRange(1, 60));
    }

    [TestCase("appid", "lock||{app}||{thing}")]
    [TestCase("Name", "lock||locks||{thing}")]
    [TestCase("namespace", "lock||market.{app}||{thing}")]
    [TestCase("none", "lock||{thing}")]
    [TestCase("shared", "lock||shared||{thing}")]
    public async Task TryLock_KeyPrefix_DecidesTheStoredKeyAndUnlockFindsIt(string strategy, string stored)
    {
        var (app, thing) = ($"locker{Guid.CreateVersion7():N}", $"thing{Guid.CreateVersion7():N}");
        var key = stored.Replace("{app}", app).Replace("{thing}", thing);
        await using var sidecar = await TestSidecar.StartAsync(
            new SidecarSettings { Namespace = "market" },
            Yaml.RedisLock(metadata: Yaml.Item("keyPrefix", strategy)),
            TestSidecar.App(app)
        );
        var request = Lock("locks", 60);
        request.ResourceId = thing;
        Assert.That((await sidecar.Client(app).TryLockAlpha1Async(request)).Success);
        Assert.That((await AskRedisAsync("GET", key)).Text, Is.EqualTo("me"));
        var unlock = new UnlockRequest
        {
            StoreName = "locks",
            ResourceId = thing,
            LockOwner = "me",
        };
        await sidecar.Client(app).UnlockAlpha1Async(unlock);
        Assert.That((await AskRedisAsync("EXISTS", key)).Integer, Is.Zero);
    }

    [Test]
    public async Task Components_ServerNeverAnswers_InitTimeoutNamesTheComponent()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var metadata =
            Yaml.Item("redisHost", $"{silent.LocalEndpoint}")
            + Yaml.Item("dialTimeout", "10m")
            + Yaml.Item("readTimeout", "10m");
        var component = Yaml.Component("mute", "state.redis", "v1", metadata)
            .Replace("spec:", "spec:\n  initTimeout: 50ms");
        var error = await TestSidecar.MistakeAsync(component, TestSidecar.App("a"));
        Assert.That(error.Message, Does.Match(@"components\.yaml:\d+: component 'mute' \(state\.redis\): "));
        Assert.That(error.Message, Does.EndWith("it was not ready within its initTimeout of 0.05 s"));
    }

    [Test]
    public async Task Components_SameNameTwice_IsRefused()
    {
        var one = Yaml.Component("twice", "state.in-memory", "v1", "");
        var error = await TestSidecar.MistakeAsync(one + one, TestSidecar.App("a"));
        Assert.That(error.Message, Does.Contain("'twice' is taken by"));
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
        var port = FreePorts.One();
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

    private static async Task<Souk.Sidecar.Redis.RespValue> AskRedisAsync(params RedisArg[] command)
    {
        var address = Backends.Redis.Split(':');
        var options = new RedisOptions(address[0], int.Parse(address[1]));
        await using var redis = new RedisClient(options, options.ReadTimeout, TimeProvider.System);
        return await redis.ExecuteAsync(command, CancellationToken.None);
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
