using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Sidecar.Files;
using Souk.Sidecar.PubSub;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Events that an app takes several at a time.</summary>
internal sealed class BulkTests : PubSubFixture
{
    private const int Many = 25;

    [TestCase(BulkCallback.Current)]
    [TestCase(BulkCallback.Older)]
    public async Task OnBulkTopicEvent_ManyEvents_ComeTogether(BulkCallback callback)
    {
        var topic = Topic();
        var app = Own(await BulkApp.StartAsync(callback, To(topic, 10)));
        var sidecar = await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        await PublishManyAsync(sidecar, topic);
        await app.UntilAsync(Many);
        var calls = app.Calls;
        var entries = calls.SelectMany(call => call.Entries).ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(calls.Select(call => call.Entries.Count), Has.All.LessThanOrEqualTo(10));
            Assert.That(calls, Has.Count.LessThan(Many), "some came together");
            Assert.That(calls.Select(call => call.Id).Distinct().Count(), Is.EqualTo(calls.Count));
            Assert.That(calls[0].Topic, Is.EqualTo(topic));
            Assert.That(calls[0].PubsubName, Is.EqualTo("pubsub"));
            Assert.That(calls[0].Type, Is.EqualTo("com.dapr.event.sent.bulk"));
            Assert.That(calls[0].Path, Is.EqualTo("/bulk"));
            Assert.That(entries.Select(Number), Is.EquivalentTo(Enumerable.Range(0, Many)));
            Assert.That(entries[0].ContentType, Is.EqualTo("application/cloudevents+json"));
            Assert.That(entries[0].CloudEvent.DataContentType, Is.EqualTo("application/json"));
            Assert.That(entries[0].CloudEvent.Source, Is.EqualTo(Publisher));
        });
    }

    [Test]
    public async Task OnBulkTopicEvent_FewEvents_WaitNoLongerThanAsked()
    {
        var topic = Topic();
        var app = Own(await BulkApp.StartAsync(BulkCallback.Current, To(topic, 100)));
        var sidecar = await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        await PublishAsync(sidecar, topic, "0");
        await app.UntilAsync(1);
    }

    [Test]
    public async Task OnBulkTopicEvent_MixedVerdicts_EachEntryGoesItsWay()
    {
        var (topic, dead) = (Topic(), Topic());
        var subscription = To(topic, 10);
        subscription.DeadLetterTopic = dead;
        var app = Own(await BulkApp.StartAsync(BulkCallback.Current, subscription, To(dead, 1)));
        var sidecar = await StartAsync(
            Yaml.RedisPubSub() + Yaml.Retries(2),
            TestSidecar.App(Subscriber, app.Port)
        );
        app.Answer = (call, entry) =>
            call.Topic == dead
                ? BulkApp.Success
                : Number(entry) switch
                {
                    0 => BulkApp.Drop,
                    1 => BulkApp.Retry,
                    2 => null,
                    _ => BulkApp.Success,
                };
        for (var i = 0; i < 5; i++)
            await PublishAsync(sidecar, topic, $"{i}");
        await Eventually.ThatAsync(() => Letters().Length >= 3, "three dead letters");
        Assert.That(Letters().Select(Number), Is.EquivalentTo(new[] { 0, 1, 2 }));
        var tries = app.Calls.Where(call => call.Topic == topic).SelectMany(call => call.Entries).ToArray();
        Assert.That(
            Enumerable.Range(0, 5).Select(i => tries.Count(entry => Number(entry) == i)),
            Is.EqualTo(new[] { 1, 3, 3, 1, 1 }),
            "dropped once, refused and left out three times, taken once"
        );

        TopicEventBulkRequestEntry[] Letters() =>
            [.. app.Calls.Where(call => call.Topic == dead).SelectMany(call => call.Entries)];
    }

    [Test]
    public async Task OnBulkTopicEvent_RawPayload_IsBytes()
    {
        var topic = Topic();
        var subscription = To(topic, 10);
        subscription.Metadata.Add("rawPayload", "true");
        var app = Own(await BulkApp.StartAsync(BulkCallback.Current, subscription));
        var sidecar = await StartAsync(Yaml.RedisPubSub(), TestSidecar.App(Subscriber, app.Port));
        await PublishAsync(sidecar, topic, "raw", "text/plain", ("rawPayload", "true"));
        await app.UntilAsync(1);
        var entry = app.Calls[0].Entries[0];
        Assert.That(
            (entry.Bytes.ToStringUtf8(), entry.ContentType),
            Is.EqualTo(("raw", "application/octet-stream"))
        );
    }

    [Test]
    public async Task OnBulkTopicEvent_NotImplemented_DropsWithoutDeadLetter()
    {
        var (topic, dead) = (Topic(), Topic());
        var subscription = To(topic, 10);
        subscription.DeadLetterTopic = dead;
        // Takes single events only, by TopicApp's callbacks.
        var app = Own(await TopicApp.StartAsync(subscription, TopicApp.To(dead)));
        var sidecar = await StartAsync(
            Yaml.RedisPubSub() + Yaml.Retries(-1),
            TestSidecar.App(Subscriber, app.Port)
        );
        await PublishAsync(sidecar, topic, "0");
        await PublishAsync(sidecar, dead, "1");
        await app.UntilAsync(1);
        await SettledAsync(topic, Subscriber);
        await SettledAsync(dead, Subscriber);
        await sidecar.RestartAsync();
        await PublishAsync(sidecar, dead, "2");
        var received = await app.UntilAsync(2);
        Assert.That(received.Select(item => item.Data.ToStringUtf8()), Is.EqualTo(new[] { "1", "2" }));
    }

    [Test]
    public async Task Subscribe_BulkOfAnHttpApp_ComesTogetherAndEachEntryGoesItsWay()
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await StartHttpAsync(
            $$$"""
            [{"pubsubname":"pubsub","topic":"{{{topic}}}","route":"/bulk","deadLetterTopic":"{{{dead}}}",
              "bulkSubscribe":{"enabled":true,"maxMessagesCount":10,"maxAwaitDurationMs":100}},
             {"pubsubname":"pubsub","topic":"{{{dead}}}","route":"/dead"}]
            """,
            Yaml.Retries(1)
        );
        app.Answer = call => call.Path == "/bulk" ? (200, Statuses(call)) : (200, "");
        await PublishManyAsync(sidecar, topic);
        var letters = await app.UntilAsync(2, call => call.Path == "/dead");
        await Eventually.ThatAsync(() => Taken(app).Distinct().Count() == Many, "all events");
        var calls = app.Deliveries.Where(call => call.Path == "/bulk").ToArray();
        Assert.Multiple(() =>
        {
            Assert.That(letters.Select(call => call["data"].GetInt32()), Is.EquivalentTo(new[] { 0, 1 }));
            Assert.That(calls[0]["topic"].GetString(), Is.EqualTo(topic));
            Assert.That(calls[0]["pubsubname"].GetString(), Is.EqualTo("pubsub"));
            Assert.That(calls[0]["type"].GetString(), Is.EqualTo("com.dapr.event.sent.bulk"));
            Assert.That(calls[0]["metadata"].ValueKind, Is.EqualTo(JsonValueKind.Object));
            Assert.That(calls.Select(call => call["entries"].GetArrayLength()), Has.Some.GreaterThan(1));
            Assert.That(Taken(app).Count(number => number == 0), Is.EqualTo(1), "dropped");
            Assert.That(Taken(app).Count(number => number == 1), Is.EqualTo(2), "tried again");
        });
    }

    [TestCase(404, "", 1)]
    [TestCase(500, "", 2)]
    [TestCase(200, "", 2)]
    [TestCase(200, """{"statuses":[{"entryId":"nobody","status":"SUCCESS"}]}""", 2)]
    public async Task Subscribe_BulkOfAnHttpAppAnswersBadly_CountsForEveryEntry(
        int status,
        string body,
        int tries
    )
    {
        var (topic, dead) = (Topic(), Topic());
        var (sidecar, app) = await StartHttpAsync(
            $$$"""
            [{"pubsubname":"pubsub","topic":"{{{topic}}}","route":"/bulk","deadLetterTopic":"{{{dead}}}",
              "bulkSubscribe":{"enabled":true,"maxMessagesCount":10,"maxAwaitDurationMs":50}},
             {"pubsubname":"pubsub","topic":"{{{dead}}}","route":"/dead"}]
            """,
            Yaml.Retries(1)
        );
        app.Answer = call => call.Path == "/bulk" ? (status, body) : (200, "");
        await PublishAsync(sidecar, topic, "0");
        await app.UntilAsync(1, call => call.Path == "/dead");
        Assert.That(app.Deliveries.Count(call => call.Path == "/bulk"), Is.EqualTo(tries));
    }

    [TestCase("", 100, 1000)]
    [TestCase("maxMessagesCount: 7", 7, 1000)]
    [TestCase("maxAwaitDurationMs: 20", 100, 20)]
    public void BulkSubscribe_LimitsNotGiven_AreDaprsFromEverySource(string given, int messages, int wait)
    {
        var expected = new BulkSettings(messages, TimeSpan.FromMilliseconds(wait));
        var limits = given.Length == 0 ? "" : $", {given}";
        var file = Path.GetTempFileName();
        File.WriteAllText(
            file,
            $"spec: {{ pubsubname: p, topic: t, bulkSubscribe: {{ enabled: true{limits} }} }}\n"
        );
        var declared = DeclaredSubscription.Read(YamlMap.LoadAll(file).Single()).Route;
        File.Delete(file);
        var reader = new ListedSubscriptions("app", NullLogger.Instance);
        var quoted = limits.Replace("max", "\"max").Replace(":", "\":");
        using var list = JsonDocument.Parse(
            $"[{{\"pubsubname\":\"p\",\"topic\":\"t\",\"route\":\"/t\","
                + $"\"bulkSubscribe\":{{\"enabled\":true{quoted}}}}}]"
        );
        var response = new ListTopicSubscriptionsResponse();
        var subscription = To("t", given.Contains("Messages") ? messages : 0);
        subscription.BulkSubscribe.MaxAwaitDurationMs = given.Contains("Await") ? wait : 0;
        response.Subscriptions.Add(subscription);
        TopicRoute[] routes =
        [
            declared,
            reader.Read(list.RootElement).Single(),
            reader.Read(response).Single(),
        ];
        Assert.That(routes.Select(route => route.Bulk), Is.All.EqualTo(expected));
    }

    // The first is dropped, the second refused, the others taken.
    private static string Statuses(HttpDelivery call)
    {
        var statuses = call["entries"]
            .EnumerateArray()
            .Select(entry => new
            {
                entryId = entry.GetProperty("entryId").GetString(),
                status = entry.GetProperty("event").GetProperty("data").GetInt32() switch
                {
                    0 => "DROP",
                    1 => "RETRY",
                    _ => "SUCCESS",
                },
            });
        return JsonSerializer.Serialize(new { statuses });
    }

    private static int[] Taken(HttpTopicApp app) =>
        [
            .. app
                .Deliveries.Where(call => call.Path == "/bulk")
                .SelectMany(call => call["entries"].EnumerateArray())
                .Select(entry => entry.GetProperty("event").GetProperty("data").GetInt32()),
        ];

    private static int Number(TopicEventBulkRequestEntry entry) =>
        int.Parse(entry.CloudEvent.Data.ToStringUtf8(), null);

    private static Task PublishManyAsync(TestSidecar sidecar, string topic) =>
        Task.WhenAll(Enumerable.Range(0, Many).Select(i => PublishAsync(sidecar, topic, $"{i}")));

    private static TopicSubscription To(string topic, int max) =>
        new()
        {
            PubsubName = "pubsub",
            Topic = topic,
            Routes = new TopicRoutes { Default = "/bulk" },
            BulkSubscribe = new BulkSubscribeConfig
            {
                Enabled = true,
                MaxMessagesCount = max,
                MaxAwaitDurationMs = 200,
            },
        };
}
