using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Sidecar;
using Souk.Sidecar.PubSub;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>The transactional outbox: an event is published if and only if its transaction commits.</summary>
[Description("X-14")]
internal sealed class OutboxTests : SidecarFixture
{
    private readonly string _run = Guid.CreateVersion7().ToString("N");
    private string _topic = "";
    private SidecarDatabase _database = null!;
    private TopicApp _app = null!;
    private TestSidecar _sidecar = null!;

    private string Owner => "owner" + _run;

    [SetUp]
    public async Task Start()
    {
        _topic = Topic();
        Own(_database = await SidecarDatabase.CreateAsync());
        Own(_app = await TopicApp.StartAsync(TopicApp.To(_topic)));
        var outbox = Yaml.Item("outboxPublishPubsub", "pubsub") + Yaml.Item("outboxPublishTopic", _topic);
        var components = Yaml.PostgresState(_database.Address, metadata: outbox) + Yaml.RedisPubSub();
        Own(
            _sidecar = await TestSidecar.StartAsync(
                components,
                TestSidecar.App(Owner),
                TestSidecar.App("listener", _app.Port)
            )
        );
    }

    [Test]
    public async Task ExecuteStateTransaction_Commits_PublishesEachUpsertOnce()
    {
        await TransactAsync(Upsert("a", "1"), Upsert("b", "2"));
        var events = await _app.UntilAsync(2);
        Assert.That(events.Select(item => item.Data.ToStringUtf8()), Is.EquivalentTo(new[] { "1", "2" }));
        Assert.That(events.Select(item => item.Source), Is.All.EqualTo(Owner));
        Assert.That(events.Select(item => item.DataContentType), Is.All.EqualTo("application/json"));
        await Eventually.ThatAsync(async () => await MarkersAsync() == 0, "markers to go");
        Assert.That(_app.Events, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task ExecuteStateTransaction_Conflict_PublishesNothing()
    {
        await TransactAsync(Upsert("a", "1"));
        await _app.UntilAsync(1);
        var stale = Upsert("a", "2");
        stale.Request.Etag = new Etag { Value = Guid.CreateVersion7().ToString() };
        var failure = await DaprFailure.OfAsync(() => TransactAsync(Upsert("b", "3"), stale));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Internal));
        await TransactAsync(Upsert("c", "4"));
        await _app.UntilAsync(1, item => item.Data.ToStringUtf8() == "4");
        Assert.That(
            _app.Events.Select(item => item.Data.ToStringUtf8()),
            Is.EquivalentTo(new[] { "1", "4" })
        );
    }

    [Test]
    public async Task ExecuteStateTransaction_Projection_IsPublishedInPlaceOfTheValueAndNotStored()
    {
        var projection = Upsert("a", """{"shown":true}""");
        projection.Request.Metadata.Add("outbox.projection", "true");
        projection.Request.Metadata.Add("cloudevent.type", "souk.changed");
        await TransactAsync(Upsert("a", """{"secret":1}"""), projection);
        var published = (await _app.UntilAsync(1))[0];
        Assert.That(
            (published.Data.ToStringUtf8(), published.Type),
            Is.EqualTo(("""{"shown":true}""", "souk.changed"))
        );
        var stored = await _sidecar
            .Client(Owner)
            .GetStateAsync(new GetStateRequest { StoreName = "store", Key = "a" });
        Assert.That(stored.Data.ToStringUtf8(), Is.EqualTo("""{"secret":1}"""));
    }

    [Test]
    public async Task ExecuteStateTransaction_Outbox_AnnouncesOnItsTopicAndMarksInTheTransaction()
    {
        // Markers live for a moment only, so the table itself keeps a list of all it has held.
        await _database.ScalarAsync(
            """
            create table held (key text, value bytea, xid xid8 default pg_current_xact_id());
            create function hold() returns trigger language plpgsql as
              $$ begin insert into held values (new.key, new.value); return new; end $$;
            create trigger hold after insert on state for each row execute function hold();
            """
        );
        await TransactAsync(Upsert("a", "1"));
        var id = (await _app.UntilAsync(1))[0].Id;
        var announced = await RedisAsync("XRANGE", $"{Owner}{_topic}outbox", "-", "+");
        var envelope = announced.Items[^1].Items[1].Items[1].Text;
        Assert.That(JsonDocument.Parse(envelope).RootElement.GetProperty("id").GetString(), Is.EqualTo(id));
        const string Together = """
            select string_agg(key, ' ' order by key collate "C") || ' ' || count(distinct xid) from held
            """;
        Assert.That(await _database.ScalarAsync(Together), Is.EqualTo($"outbox-{id} {Owner}||a 1"));
        Assert.That(
            await _database.ScalarAsync($"select value from held where key = 'outbox-{id}'"),
            Is.EqualTo("0"u8.ToArray())
        );
    }

    [Test]
    public async Task ExecuteStateTransaction_ItemMetadata_ReplacesAttributesButNotIdAndData()
    {
        var operation = Upsert("a", "1");
        var metadata = operation.Request.Metadata;
        metadata.Add("type", "souk.changed");
        metadata.Add("source", "somewhere");
        metadata.Add("shelf", "B");
        metadata.Add("id", "mine");
        metadata.Add("data", "2");
        await TransactAsync(operation);
        var published = (await _app.UntilAsync(1))[0];
        Assert.That(
            (published.Type, published.Source, published.Data.ToStringUtf8()),
            Is.EqualTo(("souk.changed", "somewhere", "1"))
        );
        Assert.That(published.Extensions.Fields["shelf"].StringValue, Is.EqualTo("B"));
        Assert.That(published.Id, Is.Not.EqualTo("mine"));
    }

    [Test]
    public async Task ExecuteStateTransaction_ProjectionNamesAnotherTopic_SaysSoAndGoesToTheStoresAllTheSame()
    {
        var projection = Upsert("a", "2");
        projection.Request.Metadata.Add("outbox.projection", "true");
        projection.Request.Metadata.Add("topic", "elsewhere");
        projection.Request.Metadata.Add("pubsubname", "nowhere");
        await TransactAsync(Upsert("a", "1"), projection);
        Assert.That((await _app.UntilAsync(1))[0].Data.ToStringUtf8(), Is.EqualTo("2"));
        var published = await RedisAsync("XRANGE", _topic, "-", "+");
        var envelope = JsonDocument.Parse(published.Items[^1].Items[1].Items[1].Text).RootElement;
        string[] Said(string name) =>
            [.. envelope.EnumerateObject().Where(e => e.Name == name).Select(e => e.Value.GetString() ?? "")];
        Assert.That(Said("topic"), Is.EqualTo(new[] { "elsewhere" }));
        Assert.That(Said("pubsubname"), Is.EqualTo(new[] { "nowhere" }));
    }

    [Test]
    public async Task ExecuteStateTransaction_InANamespace_AnnouncesOnATopicThatBeginsWithIt()
    {
        var outbox = Yaml.Item("outboxPublishPubsub", "pubsub") + Yaml.Item("outboxPublishTopic", _topic);
        var components = Yaml.Component("store", "state.in-memory", "v1", outbox) + Yaml.RedisPubSub();
        var settings = new SidecarSettings { Namespace = "prod" };
        var sidecar = Own(await TestSidecar.StartAsync(settings, components, TestSidecar.App(Owner)));
        await TransactAsync(sidecar, Upsert("a", "1"));
        Assert.That((await _app.UntilAsync(1))[0].Data.ToStringUtf8(), Is.EqualTo("1"));
        var announced = await RedisAsync("XLEN", $"prod{Owner}{_topic}outbox");
        Assert.That(announced.Integer, Is.EqualTo(1));
    }

    [Test]
    public async Task Outbox_SidecarDiedAfterCommit_PublishesAfterRestart()
    {
        // What a sidecar leaves that dies between the commit and passing the event on.
        await _sidecar.StopAsync();
        var id = Guid.CreateVersion7().ToString();
        await LeaveAsync(id);
        await _database.ScalarAsync(
            $"insert into state (key, value, etag) values ('outbox-{id}', '0', gen_random_uuid())"
        );
        await _sidecar.RestartAsync();
        var published = (await _app.UntilAsync(1))[0];
        Assert.That((published.Id, published.Data.ToStringUtf8()), Is.EqualTo((id, "left")));
        await Eventually.ThatAsync(async () => await MarkersAsync() == 0, "the marker to go");
    }

    [Test]
    public async Task Outbox_SidecarDiedBeforeCommit_PublishesNothingButTheNext()
    {
        await _sidecar.StopAsync();
        await LeaveAsync(Guid.CreateVersion7().ToString());
        await _sidecar.RestartAsync();
        await TransactAsync(Upsert("a", "1"));
        await _app.UntilAsync(1, item => item.Data.ToStringUtf8() == "1");
        Assert.That(_app.Events, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task ExecuteStateTransaction_StoreBlockedLongerThanItsLimit_GivesUpInsteadOfCommittingLate()
    {
        var outbox = Yaml.Item("outboxPublishPubsub", "pubsub") + Yaml.Item("outboxPublishTopic", _topic);
        var components =
            Yaml.PostgresState(_database.Address, metadata: outbox + Yaml.Item("timeout", "1s"))
            + Yaml.RedisPubSub()
            + Yaml.Retries(-1).Replace("inbound", "outbound").Replace("pubsub:", "store:");
        var sidecar = Own(await TestSidecar.StartAsync(components, TestSidecar.App("late" + _run)));
        var blocking = _database.ScalarAsync("do $$ begin lock table state; perform pg_sleep(600); end $$");
        await Eventually.ThatAsync(async () => await BlockersAsync() == 1, "the table to be locked");
        var request = new ExecuteStateTransactionRequest { StoreName = "store" };
        request.Operations.Add(Upsert("a", "1"));
        // Its policy would try for ever; an event whose marker comes too late is taken for rolled back.
        var failure = await DaprFailure.OfAsync(async () =>
            await sidecar.Client("late" + _run).ExecuteStateTransactionAsync(request)
        );
        Assert.That(failure.Reason, Is.EqualTo("ERR_STATE_TRANSACTION"));
        await _database.ScalarAsync($"select count(pg_terminate_backend(pid)) {Blockers}");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => blocking);
        await TransactAsync(Upsert("b", "2"));
        await _app.UntilAsync(1);
        Assert.That(_app.Events.Select(item => item.Data.ToStringUtf8()), Is.EqualTo(new[] { "2" }));
        Assert.That(await _database.CountAsync("state where key like '%a'"), Is.EqualTo(0));
    }

    private const string Blockers = """
        from pg_locks
        where relation = 'state'::regclass and mode = 'AccessExclusiveLock' and granted
          and database = (select oid from pg_database where datname = current_database())
        """;

    private async Task<long> BlockersAsync() =>
        (long)(await _database.ScalarAsync($"select count(*) {Blockers}"))!;

    // Puts an event on the internal topic as a sidecar does before its transaction.
    private async Task LeaveAsync(string id)
    {
        var draft = new EventDraft("pubsub", _topic, "left"u8.ToArray())
        {
            ContentType = "text/plain",
            Source = Owner,
            Metadata = TopicRoute.NoMetadata,
            Extra = new Dictionary<string, string> { ["id"] = id },
        };
        var envelope = CloudEvents.Wrap(draft, TimeProvider.System);
        await RedisAsync("XADD", $"{Owner}{_topic}outbox", "*", "data", envelope);
    }

    private Task<long> MarkersAsync() => _database.CountAsync("state where key like 'outbox-%'");

    private static TransactionalStateOperation Upsert(string key, string value)
    {
        var item = new StateItem { Key = key, Value = ByteString.CopyFromUtf8(value) };
        item.Metadata.Add("datacontenttype", "application/json");
        return new TransactionalStateOperation { OperationType = "upsert", Request = item };
    }

    private Task TransactAsync(params TransactionalStateOperation[] operations) =>
        TransactAsync(_sidecar, operations);

    private async Task TransactAsync(TestSidecar sidecar, params TransactionalStateOperation[] operations)
    {
        var request = new ExecuteStateTransactionRequest { StoreName = "store" };
        request.Operations.AddRange(operations);
        await sidecar.Client(Owner).ExecuteStateTransactionAsync(request);
    }
}
