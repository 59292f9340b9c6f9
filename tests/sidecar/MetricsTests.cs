using System.Net;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>What Prometheus reads of a sidecar, and the trace that calls and events carry.</summary>
internal sealed class MetricsTests : SidecarFixture
{
    private const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly string _topic = "metrics-" + Guid.CreateVersion7().ToString("N");

    [Test]
    public async Task Metrics_AfterCallsAndState_CountsThemByMethodAndStatus()
    {
        GivenSidecar.RefuseFor("a sidecar that nobody has called before");
        var sidecar = Own(await TestSidecar.StartAsync(Yaml.RedisState(), TestSidecar.App("app")));
        var client = sidecar.Client("app");
        var save = new SaveStateRequest { StoreName = "store" };
        save.States.Add(new StateItem { Key = "k", Value = ByteString.CopyFromUtf8("1") });
        await client.SaveStateAsync(save);
        await client.GetStateAsync(new GetStateRequest { StoreName = "store", Key = "k" });
        await DaprFailure.OfAsync(async () =>
            await client.GetStateAsync(new GetStateRequest { StoreName = "none", Key = "k" })
        );
        const string service = "dapr.proto.runtime.v1.Dapr";
        // A call is counted when it is over, which is a moment after its answer.
        await Eventually.ThatAsync(
            async () =>
                (await ScrapeAsync(sidecar.Spec("app").HttpPort)).Contains("\"InvalidArgument\"} 1\n"),
            "the last call to be counted"
        );
        Assert.That(
            await ScrapeAsync(sidecar.Spec("app").HttpPort),
            Does.Contain(
                    $"dapr_grpc_io_server_completed_rpcs{{app_id=\"app\",grpc_server_method=\"{service}/GetState\","
                        + "grpc_server_status=\"OK\"} 1\n"
                )
                .And.Contain("grpc_server_status=\"InvalidArgument\"} 1\n")
                .And.Contain("# TYPE dapr_grpc_io_server_server_latency histogram\n")
                .And.Contain(
                    $"server_latency_count{{app_id=\"app\",grpc_server_method=\"{service}/GetState\"}} 2\n"
                )
                .And.Contain("component=\"store\",namespace=\"\",operation=\"set\",success=\"true\"} 1\n")
                .And.Contain("component=\"store\",namespace=\"\",operation=\"get\",success=\"true\"} 1\n")
        );
        await Eventually.ThatAsync(
            async () =>
                (await ScrapeAsync(sidecar.Spec("app").HttpPort)).Contains(
                    "method=\"GET\",path=\"/metrics\",status=\"200\"} "
                ),
            "the first question to be counted"
        );
    }

    [Test]
    public async Task Metrics_PubSub_CountsBothWaysAndShowsWhatWaits()
    {
        var app = Own(await TopicApp.StartAsync(TopicApp.To(_topic)));
        var hold = new TaskCompletionSource();
        app.Answer = async _ =>
        {
            await hold.Task;
            return TopicEventResponse.Types.TopicEventResponseStatus.Success;
        };
        var sidecar = Own(
            await TestSidecar.StartAsync(Yaml.RedisPubSub(), TestSidecar.App("app" + _topic, app.Port))
        );
        await PublishAsync(sidecar, new Metadata());
        await app.UntilAsync(1);
        var port = sidecar.Spec(sidecar.AppId).HttpPort;
        var during = await ScrapeAsync(port);
        Assert.That(during, Does.Match($@"sidecar_pubsub_pending{{.*topic=""{_topic}""}} 1\n"));
        Assert.That(during, Does.Match($@"pubsub_egress_count{{.*success=""true"",topic=""{_topic}""}} 1\n"));
        hold.SetResult();
        await Eventually.ThatAsync(
            async () =>
                (await ScrapeAsync(port)).Contains($"process_status=\"success\",topic=\"{_topic}\"}} 1\n"),
            "the delivery to be counted"
        );
    }

    [Test]
    public async Task Metrics_Deliveries_AreToldApartByHowTheyEnded()
    {
        var app = Own(await TopicApp.StartAsync(TopicApp.To(_topic, deadLetter: "dead" + _topic)));
        app.Answer = item =>
            Task.FromResult(
                item.Data.ToStringUtf8() == "x"
                    ? TopicEventResponse.Types.TopicEventResponseStatus.Drop
                    : TopicEventResponse.Types.TopicEventResponseStatus.Retry
            );
        var lost = "lost" + _topic;
        app.Subscriptions.Add(TopicApp.To(lost));
        var sidecar = Own(
            await TestSidecar.StartAsync(Yaml.RedisPubSub(), TestSidecar.App("app" + _topic, app.Port))
        );
        await PublishAsync(sidecar, new Metadata());
        await PublishAsync(sidecar, new Metadata(), "tired");
        await PublishAsync(sidecar, new Metadata(), "lost", lost);
        var port = sidecar.Spec(sidecar.AppId).HttpPort;
        string Line(string status, string topic, int count) =>
            $"process_status=\"{status}\",topic=\"{topic}\"}} {count}\n";
        await Eventually.ThatAsync(
            async () =>
            {
                var text = await ScrapeAsync(port);
                // Dropped, and tried as often as the policy says: there is none.
                return text.Contains(Line("drop", _topic, 2)) && text.Contains(Line("retry", lost, 1));
            },
            "three deliveries to be counted"
        );
        Assert.That(await ScrapeAsync(port), Does.Not.Contain("process_status=\"success\""));
    }

    [Test]
    public async Task Metrics_OwnPort_AnswersNothingElse()
    {
        var port = FreePorts.One();
        Own(await TestSidecar.StartAsync("", TestSidecar.App("app") with { MetricsPort = port }));
        Assert.That(await ScrapeAsync(port), Does.Contain("process_resident_memory_bytes{app_id=\"app\"}"));
        using var http = new HttpClient();
        using var other = await http.GetAsync($"http://127.0.0.1:{port}/v1.0/metadata");
        Assert.That(other.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task PublishEvent_WithATrace_ArrivesInTheEventAndInTheCall()
    {
        var app = Own(await TopicApp.StartAsync(TopicApp.To(_topic)));
        var sidecar = Own(
            await TestSidecar.StartAsync(Yaml.RedisPubSub(), TestSidecar.App("app" + _topic, app.Port))
        );
        await PublishAsync(sidecar, new Metadata { { "traceparent", Trace }, { "tracestate", "a=1" } });
        var received = (await app.UntilAsync(1))[0];
        Assert.That(received.Extensions.Fields["traceparent"].StringValue, Is.EqualTo(Trace));
        Assert.That(app.LastHeaders?.GetValue("traceparent"), Is.EqualTo(Trace));
        Assert.That(app.LastHeaders?.GetValue("tracestate"), Is.EqualTo("a=1"));
    }

    private async Task PublishAsync(
        TestSidecar sidecar,
        Metadata headers,
        string data = "x",
        string? topic = null
    ) =>
        await sidecar
            .Client(sidecar.AppId)
            .PublishEventAsync(PublishRequest.Of(topic ?? _topic, data), headers);

    private static async Task<string> ScrapeAsync(int port)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync($"http://127.0.0.1:{port}/metrics");
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/plain"));
        return await answer.Content.ReadAsStringAsync();
    }
}
