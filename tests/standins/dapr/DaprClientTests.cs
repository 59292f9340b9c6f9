using Dapr;
using Dapr.Client;
using Dapr.DistributedLock;
using Dapr.DistributedLock.Extensions;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using LockStatus = Dapr.DistributedLock.Models.LockStatus;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Souk.Tests.Standins;

public sealed class DaprClientTests
{
    private FakeSidecar _sidecar = null!;
    private LoopbackApp _app = null!;
    private ServiceProvider _services = null!;
    private int _unhealthyAnswers;

    private DaprClient Client => _services.GetRequiredService<DaprClient>();

    [SetUp]
    public async Task StartAsync()
    {
        _sidecar = new FakeSidecar();
        _app = await LoopbackApp.StartAsync(
            _sidecar,
            app =>
            {
                app.MapGet("/v1.0/healthz", () => Results.StatusCode(500));
                app.MapGet(
                    "/v1.0/healthz/outbound",
                    () => Results.StatusCode(_unhealthyAnswers-- > 0 ? 500 : 204)
                );
            }
        );
        var settings = new Dictionary<string, string?>
        {
            ["DAPR_GRPC_ENDPOINT"] = _app.GrpcEndpoint,
            ["DAPR_HTTP_ENDPOINT"] = _app.HttpEndpoint,
            ["DAPR_API_TOKEN"] = "t0ken",
        };
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection(settings).Build()
        );
        services.AddDaprClient();
        services.AddDaprDistributedLock();
        _services = services.BuildServiceProvider();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _services.DisposeAsync();
        await _app.DisposeAsync();
    }

    [Test]
    public async Task PublishEvent_Object_IsJson()
    {
        await Client.PublishEventAsync(
            "pubsub",
            "order.created",
            new { OrderId = "o1" },
            new Dictionary<string, string> { ["rawPayload"] = "true" }
        );

        var expected = new Wire.PublishEventRequest
        {
            PubsubName = "pubsub",
            Topic = "order.created",
            Data = Google.Protobuf.ByteString.CopyFromUtf8("""{"orderId":"o1"}"""),
            DataContentType = "application/json",
            Metadata = { ["rawPayload"] = "true" },
        };
        Assert.That(_sidecar.Single<Wire.PublishEventRequest>(), Is.EqualTo(expected));
    }

    [Test]
    public async Task PublishEvent_CloudEvent_SaysSo()
    {
        await Client.PublishEventAsync("pubsub", "t", new CloudEvent<int>(5) { Type = "souk.five" });

        var request = _sidecar.Single<Wire.PublishEventRequest>();
        Assert.That(request.DataContentType, Is.EqualTo("application/cloudevents+json"));
        Assert.That(
            request.Data.ToStringUtf8(),
            Is.EqualTo("""{"data":5,"datacontenttype":"application/json","type":"souk.five"}""")
        );
    }

    [Test]
    public async Task PublishByteEvent_Bytes_AreUntouched()
    {
        await Client.PublishByteEventAsync("pubsub", "t", new byte[] { 1, 2 }, "application/protobuf");

        var request = _sidecar.Single<Wire.PublishEventRequest>();
        Assert.That(request.Data.ToByteArray(), Is.EqualTo(new byte[] { 1, 2 }));
        Assert.That(request.DataContentType, Is.EqualTo("application/protobuf"));
    }

    [Test]
    public async Task BulkPublish_FailedEntries_NameTheirEvents()
    {
        _sidecar.BulkPublished.FailedEntries.Add(
            new Wire.BulkPublishResponseFailedEntry { EntryId = "1", Error = "too large" }
        );

        var answer = await Client.BulkPublishEventAsync("pubsub", "t", ["a", "b"]);

        var entries = _sidecar.Single<Wire.BulkPublishRequest>().Entries;
        Assert.That(entries.Select(entry => entry.EntryId), Is.EqualTo(new[] { "0", "1" }));
        var failed = answer.FailedEntries.Single();
        Assert.That((failed.Entry.EventData, failed.ErrorMessage), Is.EqualTo(("b", "too large")));
    }

    [Test]
    public async Task AnyCall_TokenConfigured_CarriesItAndTheAgent()
    {
        await Client.GetMetadataAsync();

        var headers = _sidecar.Headers.Single();
        Assert.That(headers.GetValue("dapr-api-token"), Is.EqualTo("t0ken"));
        Assert.That(headers.GetValue("user-agent"), Does.Contain("dapr-sdk-dotnet/"));
    }

    [Test]
    public async Task GetMetadata_Answer_IsMapped()
    {
        var metadata = await Client.GetMetadataAsync();

        Assert.That(metadata.Id, Is.EqualTo("cart"));
        Assert.That(metadata.Extended["daprRuntimeVersion"], Is.EqualTo("1.18.0"));
        var component = metadata.Components.Single();
        Assert.That((component.Name, component.Type), Is.EqualTo(("cartstore", "state.redis")));
    }

    [Test]
    public async Task Secrets_OneAndAll_AreDictionaries()
    {
        Assert.That((await Client.GetSecretAsync("secrets", "stripe"))["stripe"], Is.EqualTo("s3cret"));
        Assert.That((await Client.GetBulkSecretAsync("secrets"))["a"]["a"], Is.EqualTo("1"));
    }

    [Test]
    public async Task InvokeBinding_Typed_EchoesJson() =>
        Assert.That(await Client.InvokeBindingAsync<int, int>("mail", "create", 5), Is.EqualTo(5));

    [Test]
    public async Task WaitForSidecar_FirstUnhealthy_WaitsUntilOutboundIs()
    {
        _unhealthyAnswers = 1;

        await Client.WaitForSidecarAsync();

        Assert.That(await Client.CheckOutboundHealthAsync(), Is.True);
        Assert.That(await Client.CheckHealthAsync(), Is.False);
    }

    [Test]
    public async Task CheckHealth_NobodyListens_IsFalse()
    {
        using var client = new DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:1").Build();
        Assert.That(await client.CheckOutboundHealthAsync(), Is.False);
    }

    [Test]
    public async Task InvocationInvoker_Call_IsAddressedAndKeepsItsHeaders()
    {
        var invoker = DaprClient.CreateInvocationInvoker("inventory", _app.GrpcEndpoint, "t0ken");
        var proxied = new Wire.Dapr.DaprClient(invoker);
        var mine = new Metadata { { "x-request-id", "r1" } };

        await proxied.GetMetadataAsync(new Wire.GetMetadataRequest(), mine);

        var headers = _sidecar.Headers.Single();
        Assert.That(headers.GetValue("dapr-app-id"), Is.EqualTo("inventory"));
        Assert.That(headers.GetValue("dapr-api-token"), Is.EqualTo("t0ken"));
        Assert.That(headers.GetValue("x-request-id"), Is.EqualTo("r1"));
        Assert.That(mine, Has.Count.EqualTo(1), "the caller's metadata is not changed");
    }

    [Test]
    [Description("X-21")]
    public async Task TryLock_Free_GivesALockThatDisposalReleases()
    {
        var locks = _services.GetRequiredService<IDaprDistributedLockClient>();

        await using (var held = await locks.TryLockAsync("lockstore", "sku-1", "worker-1", 30))
            Assert.That(held?.ResourceId, Is.EqualTo("sku-1"));

        var unlock = new Wire.UnlockRequest
        {
            StoreName = "lockstore",
            ResourceId = "sku-1",
            LockOwner = "worker-1",
        };
        Assert.That(_sidecar.Single<Wire.UnlockRequest>(), Is.EqualTo(unlock));
    }

    [Test]
    [Description("X-21")]
    public async Task TryLock_Held_GivesNull()
    {
        _sidecar.Lock = new Wire.TryLockResponse { Success = false };
        _sidecar.Unlocked = Wire.UnlockResponse.Types.Status.LockBelongsToOthers;
        var locks = _services.GetRequiredService<DaprDistributedLockClient>();

        Assert.That(await locks.TryLockAsync("lockstore", "sku-1", "worker-1", 30), Is.Null);
        var released = await locks.TryUnlockAsync("lockstore", "sku-1", "worker-1");
        Assert.That(released.Status, Is.EqualTo(LockStatus.LockBelongsToOthers));
        Assert.That(
            () => locks.TryLockAsync("lockstore", "sku-1", "worker-1", 0),
            Throws.InstanceOf<ArgumentException>()
        );
    }

    [Test]
    public void Defaults_Ports_GiveLocalAddresses()
    {
        var settings = new Dictionary<string, string?>
        {
            ["DAPR_GRPC_PORT"] = "50007",
            ["DAPR_HTTP_PORT"] = "3507",
        };
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();

        Assert.That(DaprDefaults.GetDefaultGrpcEndpoint(configuration), Is.EqualTo("http://localhost:50007"));
        Assert.That(DaprDefaults.GetDefaultHttpEndpoint(configuration), Is.EqualTo("http://localhost:3507"));
    }
}
