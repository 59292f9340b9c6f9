using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Sidecar.Files;

namespace Souk.Tests.Sidecar;

/// <summary>Configuration files: who may call an app, and which secrets an app may read.</summary>
internal sealed class AccessTests : SidecarFixture
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-config-").FullName;

    [OneTimeTearDown]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    private const string Policies = """
        accessControl:
          defaultAction: deny
          policies:
            - appId: friend
              defaultAction: allow
              operations:
                - { name: /secret/*, httpVerb: ['*'], action: deny }
                - { name: /read, httpVerb: [POST, PUT], action: deny }
            - appId: guest
              defaultAction: deny
              operations:
                - { name: /public/**, httpVerb: [GET], action: allow }
        """;

    [TestCase("friend", "GET", "anything", 200)]
    [TestCase("friend", "GET", "secret/one", 403)]
    [TestCase("friend", "GET", "open/../secret/one", 403)]
    [TestCase("friend", "GET", "open/%2e%2e/secret/one", 403)]
    [TestCase("friend", "GET", "read", 200)]
    [TestCase("friend", "POST", "read", 403)]
    [TestCase("guest", "GET", "public/a/b", 200)]
    [TestCase("guest", "POST", "public/a/b", 403)]
    [TestCase("guest", "GET", "other", 403)]
    [TestCase("stranger", "GET", "public/a", 403)]
    public async Task Invoke_AccessControl_FollowsThePolicies(
        string from,
        string verb,
        string path,
        int status
    )
    {
        var app = Own(await EchoApp.StartAsync());
        var sidecar = await StartAsync(
            Policies,
            TestSidecar.App("app", app.Port) with
            {
                Protocol = "http",
            },
            TestSidecar.App(from)
        );
        using var caller = sidecar.Http(from);
        var body = verb == "GET" ? null : "x";
        var answer = await caller.SendAsync(verb, $"/v1.0/invoke/app/method/{path}", body);
        Assert.That(answer.Status, Is.EqualTo(status));
        if (status == 403)
            Assert.That(answer.Message, Does.Contain("access control policy has denied access"));
        Assert.That(app.Calls, Is.EqualTo(status == 200 ? 1 : 0));
    }

    [TestCase("friend", StatusCode.OK)]
    [TestCase("stranger", StatusCode.PermissionDenied)]
    public async Task Proxy_AccessControl_FollowsThePolicies(string from, StatusCode code)
    {
        var app = Own(await EchoApp.StartAsync(grpc: true));
        var sidecar = await StartAsync(Policies, TestSidecar.App("app", app.Port), TestSidecar.App(from));
        var client = new AppCallback.AppCallbackClient(sidecar.Channel(from));
        using var call = client.OnInvokeAsync(
            new InvokeRequest { Method = "x" },
            new Metadata { { "dapr-app-id", "app" } }
        );
        var ended = StatusCode.OK;
        try
        {
            await call;
        }
        catch (RpcException e)
        {
            ended = e.StatusCode;
        }
        Assert.That(ended, Is.EqualTo(code));
    }

    [Test]
    public async Task GetSecret_ScopeDenies_IsPermissionDenied()
    {
        var secrets = Path.Combine(_folder, $"{Guid.CreateVersion7():N}.json");
        await File.WriteAllTextAsync(secrets, """{"open": "1", "closed": "2"}""");
        var store = Yaml.Component(
            "vault",
            "secretstores.local.file",
            "v1",
            Yaml.Item("secretsFile", secrets)
        );
        const string Scopes = """
            secrets:
              scopes:
                - { storeName: vault, defaultAccess: allow, deniedSecrets: [closed] }
            """;
        var sidecar = await StartAsync(Scopes, store, TestSidecar.App("app"));
        using var caller = sidecar.Http("app");
        Assert.That((await caller.GetAsync("/v1.0/secrets/vault/open")).Body, Is.EqualTo("{\"open\":\"1\"}"));
        var denied = await caller.GetAsync("/v1.0/secrets/vault/closed");
        Assert.That(denied.Error, Is.EqualTo((403, "ERR_PERMISSION_DENIED", "")));
        var all = await caller.GetAsync("/v1.0/secrets/vault/bulk");
        Assert.That(all.Body, Is.EqualTo("{\"open\":{\"open\":\"1\"}}"));
    }

    [TestCase("accessControl: { defaultAction: perhaps }", "must be allow or deny, not 'perhaps'")]
    [TestCase("accessControl: { policies: [{ defaultAction: deny }] }", "appId is required")]
    [TestCase("secrets: { scopes: [{ defaultAccess: deny }] }", "storeName is required")]
    public async Task Configuration_Mistake_NamesFileLineAndField(string spec, string message)
    {
        var failure = await TestSidecar.MistakeAsync("", await ConfiguredAsync(spec, TestSidecar.App("app")));
        Assert.That(failure.Message, Does.Contain(message).And.Match(@"\.yaml:\d+: "));
    }

    private Task<TestSidecar> StartAsync(string spec, params AppSpec[] apps) => StartAsync(spec, "", apps);

    private async Task<TestSidecar> StartAsync(string spec, string components, params AppSpec[] apps) =>
        Own(await TestSidecar.StartAsync(components, await ConfiguredAsync(spec, apps)));

    private async Task<AppSpec[]> ConfiguredAsync(string spec, params AppSpec[] apps)
    {
        var file = Path.Combine(_folder, $"{Guid.CreateVersion7():N}.yaml");
        var indented = string.Join('\n', spec.Split('\n').Select(line => "  " + line));
        await File.WriteAllTextAsync(
            file,
            $"apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {{ name: c }}\nspec:\n{indented}\n"
        );
        return [.. apps.Select(app => app with { ConfigFiles = [file] })];
    }
}
