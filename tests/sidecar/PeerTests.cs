using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Sidecar.Files;

namespace Souk.Tests.Sidecar;

/// <summary>
/// Calls between sidecars that know each other by their folder only, as those of two processes.
/// </summary>
internal sealed class PeerTests : SidecarFixture
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-peers-").FullName;

    [OneTimeTearDown]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(true)]
    [TestCase(false)]
    public async Task Invoke_AppOfAnotherSidecar_IsCalled(bool grpc)
    {
        var app = Own(await EchoApp.StartAsync(grpc));
        var far = $"far-{Guid.CreateVersion7():N}";
        await StartAsync(TestSidecar.App(far, app.Port) with { Protocol = grpc ? "grpc" : "http" });
        var near = await StartAsync(TestSidecar.App("near"));
        using var caller = near.Http("near");
        var answer = await caller.PostAsync($"/v1.0/invoke/{far}/method/a?b=1", "x");
        Assert.That(answer.Status, Is.EqualTo(200));
        var echo = answer.Body;
        Assert.That(echo, Does.Contain("near").And.Contain("dapr-caller-app-id").And.Contain("a?b=1"));

        var byMessage = new InvokeServiceRequest
        {
            Id = far,
            Message = new InvokeRequest
            {
                Method = "m",
                Data = new Any { Value = ByteString.CopyFromUtf8("by message") },
            },
        };
        var reply = await near.Client("near").InvokeServiceAsync(byMessage);
        Assert.That(reply.Data.Value.ToStringUtf8(), Does.Contain("by message"));
    }

    [Test]
    public async Task Proxy_AppOfAnotherSidecar_IsCalled()
    {
        var app = Own(await EchoApp.StartAsync(grpc: true));
        var far = $"far-{Guid.CreateVersion7():N}";
        await StartAsync(TestSidecar.App(far, app.Port));
        var near = await StartAsync(TestSidecar.App("near"));
        var client = new Dapr.AppCallback.Autogen.Grpc.v1.AppCallback.AppCallbackClient(near.Channel("near"));
        var request = new InvokeRequest { Method = "proxied" };
        var headers = new Metadata { { "dapr-app-id", far } };
        var reply = await client.OnInvokeAsync(request, headers);
        Assert.That(reply.Data.Value.ToStringUtf8(), Does.Contain("proxied").And.Contain("near"));
    }

    [Test]
    public async Task Invoke_SidecarStopped_IsForgotten()
    {
        var app = Own(await EchoApp.StartAsync());
        var far = $"far-{Guid.CreateVersion7():N}";
        var other = await StartAsync(TestSidecar.App(far, app.Port) with { Protocol = "http" });
        await other.StopAsync();
        var near = await StartAsync(TestSidecar.App("near"));
        using var caller = near.Http("near");
        var answer = await caller.GetAsync($"/v1.0/invoke/{far}/method/a");
        Assert.That(answer.Message, Does.EndWith($"couldn't find service: {far}"));
    }

    private async Task<TestSidecar> StartAsync(AppSpec app) =>
        Own(await TestSidecar.StartAsync(new SidecarSettings { PeerFolder = _folder }, "", app));
}
