using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Sidecar.Files;
using Status = Grpc.Core.Status;

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
    public async Task InvokeService_GrpcAppOfAnotherSidecarFails_StatusAndDetailsPass()
    {
        var app = Own(await CallbackApp.StartAsync(new Failing()));
        var far = $"far-{Guid.CreateVersion7():N}";
        await StartAsync(TestSidecar.App(far, app.Port));
        var near = await StartAsync(TestSidecar.App("near"));
        var request = new InvokeServiceRequest
        {
            Id = far,
            Message = new InvokeRequest { Method = "m" },
        };
        var failure = await DaprFailure.OfAsync(async () =>
            await near.Client("near").InvokeServiceAsync(request)
        );
        Assert.That(
            failure,
            Is.EqualTo(new DaprFailure(StatusCode.OutOfRange, "TOO_FAR", "souk.test", "beyond the edge"))
        );
    }

    [Test]
    public async Task InvokeService_HttpAppOfAnotherSidecarFails_StatusIsTranslatedOnce()
    {
        var app = Own(await EchoApp.StartAsync());
        var far = $"far-{Guid.CreateVersion7():N}";
        await StartAsync(TestSidecar.App(far, app.Port) with { Protocol = "http" });
        var near = await StartAsync(TestSidecar.App("near"));
        var request = new InvokeServiceRequest
        {
            Id = far,
            Message = new InvokeRequest { Method = "status/404" },
        };
        using var call = near.Client("near").InvokeServiceAsync(request);
        var failure = await DaprFailure.OfAsync(async () => await call);
        Assert.That((failure.Code, failure.Domain), Is.EqualTo((StatusCode.NotFound, "dapr.io")));
        var headers = await call.ResponseHeadersAsync;
        Assert.That(headers.GetValue("dapr-http-status"), Is.EqualTo("404"));
    }

    [Test]
    public async Task InternalPort_WhatIsNoCallToItsApp_IsRefused()
    {
        var near = await StartAsync(TestSidecar.App("near"));
        var far = await StartAsync(TestSidecar.App("far-alone"));
        var file = Directory.EnumerateFiles(_folder, "far-alone@*").Single();
        var address = (await File.ReadAllTextAsync(file)).Trim();
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(address);
        var client = new Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient(channel);
        var own = await DaprFailure.OfAsync(async () => await client.GetMetadataAsync(new()));
        Assert.That(own.Code, Is.EqualTo(StatusCode.Unimplemented));
        var request = new InvokeServiceRequest
        {
            Id = "near",
            Message = new InvokeRequest { Method = "m" },
        };
        var other = await DaprFailure.OfAsync(async () => await client.InvokeServiceAsync(request));
        Assert.That(other.Message, Does.EndWith("couldn't find service: near"));
        Assert.That((near.AppId, far.AppId), Is.EqualTo(("near", "far-alone")));
    }

    [Test]
    public async Task Proxy_AppOfAnotherSidecar_IsCalled()
    {
        var app = Own(await EchoApp.StartAsync(grpc: true));
        var far = $"far-{Guid.CreateVersion7():N}";
        await StartAsync(TestSidecar.App(far, app.Port));
        var near = await StartAsync(TestSidecar.App("near"));
        var client = new AppCallback.AppCallbackClient(near.Channel("near"));
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

    private sealed class Failing : AppCallback.AppCallbackBase
    {
        public override Task<InvokeResponse> OnInvoke(InvokeRequest request, ServerCallContext context)
        {
            var status = new Google.Rpc.Status { Code = (int)StatusCode.OutOfRange };
            status.Details.Add(Any.Pack(new ErrorInfo { Type = "TOO_FAR", Domain = "souk.test" }));
            throw new RpcException(
                new Status(StatusCode.OutOfRange, "beyond the edge"),
                new Metadata { { "grpc-status-details-bin", status.ToByteArray() } }
            );
        }
    }

    private async Task<TestSidecar> StartAsync(AppSpec app) =>
        Own(await TestSidecar.StartAsync(new SidecarSettings { PeerFolder = _folder }, "", app));
}
