using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Tests.Sidecar;

/// <summary>
/// Dapr's table of errors, row by row: the same situation told by gRPC and by HTTP, each in its own code,
/// with the same reason and words.
/// </summary>
internal sealed class ErrorTests
{
    private const string Tx = "{\"operations\":[{\"operation\":\"upsert\",\"request\":{\"key\":\"k\"}}]}";
    private const string LockBody = "{\"resourceId\":\"r\",\"lockOwner\":\"o\",\"expiryInSeconds\":1}";

    private readonly Dictionary<string, TestSidecar> _sidecars = [];

    /// <summary>One row; what it is called is the situation.</summary>
    internal sealed record Row(string Name, string On)
    {
        internal required Func<DaprApi.DaprClient, Task> Grpc { get; init; }

        internal required (string Verb, string Path, string? Body) Http { get; init; }

        internal (string Name, string Value)[] HttpHeaders { get; init; } = [];

        internal required (StatusCode Code, int Status) Codes { get; init; }

        internal required string ErrorCode { get; init; }

        internal string Reason { get; init; } = "";

        internal required string Message { get; init; }

        /// <summary>What HTTP says where it words it differently.</summary>
        internal string? HttpMessage { get; init; }

        /// <summary>Type and name of the resource that the details name.</summary>
        internal (string Type, string Name)? Resource { get; init; }

        /// <summary>What a runtime that is there already need not have; null when any will do.</summary>
        internal string? Needs { get; init; }

        public override string ToString() => Name;
    }

    [OneTimeSetUp]
    public async Task Start()
    {
        if (GivenSidecar.IsThere)
        {
            var plain = Yaml.RedisState() + Yaml.RedisPubSub() + Yaml.RedisLock();
            _sidecars["whole"] = await TestSidecar.StartAsync(plain, TestSidecar.App("whole"));
            return;
        }
        _sidecars["bare"] = await TestSidecar.StartAsync("", TestSidecar.App("bare"));
        var topics = Yaml.Item("protectedTopics", "secret");
        var whole =
            Yaml.Component("store", "state.in-memory", "v1", "")
            + Yaml.Component("pubsub", "pubsub.in-memory", "v1", topics)
            + Yaml.Component("vault", "secretstores.local.env", "v1", Yaml.Item("prefix", "X_"))
            + Yaml.RedisLock();
        _sidecars["whole"] = await TestSidecar.StartAsync(whole, TestSidecar.App("whole"));
        var redis = await RedisProcess.StartAsync();
        var host = Yaml.Item("redisHost", $"127.0.0.1:{redis.Port}") + Yaml.Item("redisMaxRetries", "0");
        var outbox = Yaml.Item("outboxPublishPubsub", "pubsub") + Yaml.Item("outboxPublishTopic", "t");
        var broken =
            Yaml.Component("store", "state.redis", "v1", host)
            + Yaml.Component("outbox", "state.in-memory", "v1", outbox)
            + Yaml.Component("pubsub", "pubsub.redis", "v1", host)
            + Yaml.Component("locks", "lock.redis", "v1", host);
        _sidecars["broken"] = await TestSidecar.StartAsync(broken, TestSidecar.App("broken"));
        await redis.DisposeAsync();
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        foreach (var sidecar in _sidecars.Values)
            await sidecar.DisposeAsync();
    }

    [TestCaseSource(nameof(Rows))]
    public async Task Error_Situation_IsToldByGrpc(Row row)
    {
        var sidecar = SidecarOf(row);
        try
        {
            await row.Grpc(sidecar.Client(row.On));
            Assert.Fail("the call succeeded");
        }
        catch (RpcException e)
        {
            Assert.That(e.StatusCode, Is.EqualTo(row.Codes.Code), e.Status.Detail);
            Assert.That(e.Status.Detail, Does.StartWith(row.Message));
            CheckDetails(row, e);
        }
    }

    [TestCaseSource(nameof(Rows))]
    public async Task Error_Situation_IsToldByHttp(Row row)
    {
        using var caller = SidecarOf(row).Http(row.On);
        var answer = await caller.SendAsync(row.Http.Verb, row.Http.Path, row.Http.Body, row.HttpHeaders);
        Assert.That(answer.Error, Is.EqualTo((row.Codes.Status, row.ErrorCode, row.Reason)));
        Assert.That(answer.Message, Does.StartWith(row.HttpMessage ?? row.Message));
        Assert.That(answer.ContentType, Does.StartWith("application/json"));
        if (row.Reason.Length == 0)
            return;
        var info = answer.Json.GetProperty("details")[0];
        Assert.That(
            info.GetProperty("@type").GetString(),
            Is.EqualTo("type.googleapis.com/google.rpc.ErrorInfo")
        );
        Assert.That(info.GetProperty("domain").GetString(), Is.EqualTo("dapr.io"));
        Assert.That(
            info.GetProperty("metadata").ValueKind,
            Is.EqualTo(System.Text.Json.JsonValueKind.Object)
        );
    }

    private TestSidecar SidecarOf(Row row)
    {
        if (GivenSidecar.IsThere && row.Needs is { } need)
            throw GivenSidecar.Unfit(need);
        return SidecarOf(row.On);
    }

    private TestSidecar SidecarOf(string name) =>
        _sidecars.GetValueOrDefault(name) ?? throw GivenSidecar.Unfit($"the sidecar called '{name}'");

    // The calls of the table that only gRPC has, or that HTTP answers with a document of its own.
    [Test]
    public async Task DeleteBulkState_StoreAway_IsInternal()
    {
        var request = new DeleteBulkStateRequest { StoreName = "store", States = { Item("k") } };
        var failure = await DaprFailure.OfAsync(() =>
            SidecarOf("broken").Client("broken").DeleteBulkStateAsync(request).ResponseAsync
        );
        Assert.That(
            (failure.Code, failure.Reason, failure.Domain),
            Is.EqualTo((StatusCode.Internal, "ERR_STATE_BULK_DELETE", "dapr.io"))
        );
    }

    [Test]
    public async Task BulkPublishEvent_BrokerAway_FailsAsAWhole()
    {
        var failure = await DaprFailure.OfAsync(() =>
            BulkAsync(SidecarOf("broken").Client("broken"), "a", "b")
        );
        Assert.That(
            (failure.Code, failure.Reason, failure.Domain),
            Is.EqualTo((StatusCode.Internal, "DAPR_PUBSUB_PUBLISH_MESSAGE", "dapr.io"))
        );
        Assert.That(failure.Message, Does.StartWith("error when publishing to topic t in pubsub pubsub: "));
    }

    private static void CheckDetails(Row row, RpcException e)
    {
        var entry = e.Trailers.FirstOrDefault(trailer => trailer.Key == "grpc-status-details-bin");
        if (row.Reason.Length == 0)
        {
            Assert.That(entry, Is.Null);
            return;
        }
        var details = Google.Rpc.Status.Parser.ParseFrom(entry?.ValueBytes).Details;
        var info = details.Single(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>();
        Assert.That((info.Type, info.Domain), Is.EqualTo((row.Reason, "dapr.io")));
        if (row.Resource is not { } wanted)
            return;
        var resource = details.Single(detail => detail.Is(ResourceInfo.Descriptor)).Unpack<ResourceInfo>();
        Assert.That(
            (resource.ResourceType, resource.ResourceName, resource.Owner),
            Is.EqualTo((wanted.Type, wanted.Name, GivenSidecar.AppId(row.On)))
        );
    }

    private static IEnumerable<Row> Rows() => [.. StateRows(), .. PubSubRows(), .. OtherRows()];

    private static IEnumerable<Row> StateRows()
    {
        yield return new Row("no state store at all", "bare")
        {
            Grpc = client => client.GetStateAsync(new() { StoreName = "s", Key = "k" }).ResponseAsync,
            Http = ("GET", "/v1.0/state/s/k", null),
            Codes = (StatusCode.FailedPrecondition, 500),
            ErrorCode = "ERR_STATE_STORE_NOT_CONFIGURED",
            Reason = "DAPR_STATE_NOT_CONFIGURED",
            Message = "state store is not configured",
        };
        yield return new Row("unknown state store", "whole")
        {
            Grpc = client => client.GetStateAsync(new() { StoreName = "s", Key = "k" }).ResponseAsync,
            Http = ("GET", "/v1.0/state/s/k", null),
            Codes = (StatusCode.InvalidArgument, 400),
            ErrorCode = "ERR_STATE_STORE_NOT_FOUND",
            Reason = "DAPR_STATE_NOT_FOUND",
            Message = "state store s is not found",
            Resource = ("state", "s"),
        };
        yield return new Row("illegal key", "whole")
        {
            Grpc = client => client.GetStateAsync(new() { StoreName = "store", Key = "a||b" }).ResponseAsync,
            Http = ("GET", "/v1.0/state/store/a%7C%7Cb", null),
            Codes = (StatusCode.InvalidArgument, 400),
            ErrorCode = "ERR_MALFORMED_REQUEST",
            Reason = "DAPR_STATE_ILLEGAL_KEY",
            Message = "input key/keyPrefix 'a||b' can't contain '||'",
            Resource = ("state", "store"),
        };
        yield return new Row("empty key", "whole")
        {
            Grpc = client => SaveAsync(client, "store", new StateItem()),
            Http = ("POST", "/v1.0/state/store", "[{\"key\":\"\",\"value\":1}]"),
            Codes = (StatusCode.InvalidArgument, 400),
            ErrorCode = "ERR_MALFORMED_REQUEST",
            Message = "state key cannot be empty",
            HttpMessage = "\"key\" is a required field",
        };
        yield return new Row("save with an old etag", "whole")
        {
            Needs = "state.in-memory",
            Grpc = client => SaveAsync(client, "store", Item("new", $"{Guid.Empty}")),
            Http = ("POST", "/v1.0/state/store", $"[{{\"key\":\"new\",\"etag\":\"{Guid.Empty}\"}}]"),
            Codes = (StatusCode.Aborted, 409),
            ErrorCode = "ERR_STATE_SAVE",
            Reason = "ERR_STATE_SAVE",
            Message =
                "failed saving state in state store store: possible etag mismatch. "
                + "error from state store: ",
        };
        yield return new Row("save with an etag that is none", "broken")
        {
            Grpc = client => SaveAsync(client, "store", Item("k", "nonsense")),
            Http = ("POST", "/v1.0/state/store", "[{\"key\":\"k\",\"etag\":\"nonsense\"}]"),
            Codes = (StatusCode.InvalidArgument, 400),
            ErrorCode = "ERR_STATE_SAVE",
            Reason = "ERR_STATE_SAVE",
            Message = "failed saving state in state store store: invalid etag value",
        };
        yield return new Row("save while the store is away", "broken")
        {
            Grpc = client => SaveAsync(client, "store", Item("k")),
            Http = ("POST", "/v1.0/state/store", "[{\"key\":\"k\",\"value\":1}]"),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_STATE_SAVE",
            Reason = "ERR_STATE_SAVE",
            Message = "failed saving state in state store store: ",
        };
        yield return new Row("delete with an old etag", "whole")
        {
            Needs = "state.in-memory",
            Grpc = client => DeleteAsync(client, "store", $"{Guid.Empty}"),
            Http = ("DELETE", "/v1.0/state/store/k", null),
            HttpHeaders = [("If-Match", $"{Guid.Empty}")],
            Codes = (StatusCode.Aborted, 409),
            ErrorCode = "ERR_STATE_DELETE",
            Reason = "ERR_STATE_DELETE",
            Message = "failed deleting state with key k: possible etag mismatch",
        };
        yield return new Row("delete with an etag that is none", "broken")
        {
            Grpc = client => DeleteAsync(client, "store", "nonsense"),
            Http = ("DELETE", "/v1.0/state/store/k", null),
            HttpHeaders = [("If-Match", "nonsense")],
            Codes = (StatusCode.InvalidArgument, 400),
            ErrorCode = "ERR_STATE_DELETE",
            Reason = "ERR_STATE_DELETE",
            Message = "failed deleting state with key k: invalid etag value",
        };
        yield return new Row("delete while the store is away", "broken")
        {
            Grpc = client => DeleteAsync(client, "store", null),
            Http = ("DELETE", "/v1.0/state/store/k", null),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_STATE_DELETE",
            Reason = "ERR_STATE_DELETE",
            Message = "failed deleting state with key k: ",
        };
        yield return new Row("get while the store is away", "broken")
        {
            Grpc = client => client.GetStateAsync(new() { StoreName = "store", Key = "k" }).ResponseAsync,
            Http = ("GET", "/v1.0/state/store/k", null),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_STATE_GET",
            Reason = "ERR_STATE_GET",
            Message = "fail to get k from state store store: ",
        };
        yield return new Row("transaction that fails", "broken")
        {
            Grpc = client => TransactAsync(client, "store", "upsert"),
            Http = ("POST", "/v1.0/state/store/transaction", Tx),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_STATE_TRANSACTION",
            Reason = "ERR_STATE_TRANSACTION",
            Message = "error while executing state transaction: ",
        };
        yield return new Row("unknown operation", "whole")
        {
            Grpc = client => TransactAsync(client, "store", "UPSERT"),
            Http = ("POST", "/v1.0/state/store/transaction", Tx.Replace("upsert", "UPSERT")),
            Codes = (StatusCode.Unimplemented, 400),
            ErrorCode = "ERR_NOT_SUPPORTED_STATE_OPERATION",
            Message = "operation type UPSERT not supported",
        };
    }

    private static IEnumerable<Row> PubSubRows()
    {
        yield return new Row("no pubsub at all", "bare")
        {
            Grpc = client => PublishAsync(client, "p", "t"),
            Http = ("POST", "/v1.0/publish/p/t", "1"),
            Codes = (StatusCode.FailedPrecondition, 400),
            ErrorCode = "ERR_PUBSUB_NOT_CONFIGURED",
            Reason = "DAPR_PUBSUB_NOT_CONFIGURED",
            Message = "pubsub is not configured",
        };
        yield return new Row("unknown pubsub", "whole")
        {
            Grpc = client => PublishAsync(client, "p", "t"),
            Http = ("POST", "/v1.0/publish/p/t", "1"),
            Codes = (StatusCode.InvalidArgument, 404),
            ErrorCode = "ERR_PUBSUB_NOT_FOUND",
            Reason = "DAPR_PUBSUB_NOT_FOUND",
            Message = "pubsub p is not found",
            Resource = ("pubsub", "p"),
        };
        yield return new Row("empty pubsub name", "whole")
        {
            Grpc = client => PublishAsync(client, "", "t"),
            Http = ("POST", "/v1.0/publish//t", "1"),
            Codes = (StatusCode.InvalidArgument, 404),
            ErrorCode = "ERR_PUBSUB_EMPTY",
            Reason = "DAPR_PUBSUB_NAME_EMPTY",
            Message = "pubsub name is empty",
        };
        yield return new Row("empty topic", "whole")
        {
            Grpc = client => PublishAsync(client, "pubsub", ""),
            Http = ("POST", "/v1.0/publish/pubsub/", "1"),
            Codes = (StatusCode.InvalidArgument, 404),
            ErrorCode = "ERR_TOPIC_NAME_EMPTY",
            Reason = "DAPR_PUBSUB_TOPIC_NAME_EMPTY",
            Message = "topic is empty in pubsub pubsub",
        };
        yield return new Row("raw payload or not, who knows", "whole")
        {
            Grpc = client => PublishAsync(client, "pubsub", "t", metadata: ("rawPayload", "maybe")),
            Http = ("POST", "/v1.0/publish/pubsub/t?metadata.rawPayload=maybe", "1"),
            Codes = (StatusCode.InvalidArgument, 400),
            ErrorCode = "ERR_PUBSUB_REQUEST_METADATA",
            Reason = "DAPR_PUBSUB_METADATA_DESERIALIZATION",
            Message = "",
        };
        yield return new Row("envelope that cannot be built", "whole")
        {
            Grpc = client => PublishAsync(client, "pubsub", "t", "application/cloudevents+json"),
            Http = ("POST", "/v1.0/publish/pubsub/t", "no json"),
            HttpHeaders = [("content-type", "application/cloudevents+json")],
            Codes = (StatusCode.InvalidArgument, 500),
            ErrorCode = "ERR_PUBSUB_CLOUD_EVENTS_SER",
            Reason = "DAPR_PUBSUB_CLOUD_EVENT_CREATION",
            Message = "cannot create cloudevent",
        };
        yield return new Row("bulk entries without ids", "whole")
        {
            Grpc = client => BulkAsync(client, "", ""),
            Http = ("POST", "/v1.0/publish/bulk/pubsub/t", "[{\"event\":1,\"contentType\":\"a/json\"}]"),
            Codes = (StatusCode.InvalidArgument, 400),
            ErrorCode = "ERR_PUBSUB_EVENTS_SER",
            Reason = "DAPR_PUBSUB_MARSHAL_EVENTS",
            Message = "error marshaling events to bytes for topic t pubsub pubsub. error: ",
        };
        yield return new Row("topic out of scope", "whole")
        {
            Needs = "a topic that is protected",
            Grpc = client => PublishAsync(client, "pubsub", "secret"),
            Http = ("POST", "/v1.0/publish/pubsub/secret", "1"),
            Codes = (StatusCode.PermissionDenied, 403),
            ErrorCode = "ERR_PUBSUB_FORBIDDEN",
            Reason = "DAPR_PUBSUB_FORBIDDEN",
            Message = "topic secret is not allowed for app id whole",
        };
        yield return new Row("broker away", "broken")
        {
            Grpc = client => PublishAsync(client, "pubsub", "t"),
            Http = ("POST", "/v1.0/publish/pubsub/t", "1"),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_PUBSUB_PUBLISH_MESSAGE",
            Reason = "DAPR_PUBSUB_PUBLISH_MESSAGE",
            Message = "error when publishing to topic t in pubsub pubsub: ",
        };
        yield return new Row("outbox cannot publish", "broken")
        {
            Grpc = client => TransactAsync(client, "outbox", "upsert"),
            Http = ("POST", "/v1.0/state/outbox/transaction", Tx),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_PUBLISH_OUTBOX",
            Reason = "DAPR_PUBSUB_OUTBOX",
            Message = "error while publishing outbox message: ",
        };
    }

    private static IEnumerable<Row> OtherRows()
    {
        yield return LockRow("no lock store", "bare", "l", (StatusCode.FailedPrecondition, 500)) with
        {
            ErrorCode = "ERR_LOCK_STORE_NOT_CONFIGURED",
            Message = "lock store is not configured",
        };
        yield return LockRow("unknown lock store", "whole", "l", (StatusCode.InvalidArgument, 400)) with
        {
            ErrorCode = "ERR_LOCK_STORE_NOT_FOUND",
            Message = "lock store l not found",
        };
        yield return LockRow("lock store away", "broken", "locks", (StatusCode.Internal, 500)) with
        {
            ErrorCode = "ERR_TRY_LOCK",
            Message = "",
        };
        yield return new Row("unlock while the store is away", "broken")
        {
            Grpc = client =>
                client
                    .UnlockAlpha1Async(
                        new()
                        {
                            StoreName = "locks",
                            ResourceId = "r",
                            LockOwner = "o",
                        }
                    )
                    .ResponseAsync,
            Http = ("POST", "/v1.0-alpha1/unlock/locks", LockBody),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_UNLOCK",
            Message = "",
        };
        // The expiry is looked at first, before anybody asks whether there is such a store.
        yield return LockRow(
            "lock that would end at once",
            "bare",
            "l",
            (StatusCode.InvalidArgument, 400)
        ) with
        {
            Grpc = client =>
                client.TryLockAlpha1Async(new() { ResourceId = "r", LockOwner = "o" }).ResponseAsync,
            Http = ("POST", "/v1.0-alpha1/lock/l", LockBody.Replace(":1", ":0")),
            ErrorCode = "ERR_MALFORMED_REQUEST",
            Message = "ExpiryInSeconds is not positive in lock store",
        };
        yield return SecretRow("no secret store", "bare", "s", (StatusCode.FailedPrecondition, 500)) with
        {
            ErrorCode = "ERR_SECRET_STORES_NOT_CONFIGURED",
            Message = "secret store is not configured",
        };
        yield return SecretRow("unknown secret store", "whole", "s", (StatusCode.InvalidArgument, 401)) with
        {
            Needs = "a secret store",
            ErrorCode = "ERR_SECRET_STORE_NOT_FOUND",
            Message = "failed finding secret store with key s",
        };
        yield return new Row("unknown binding", "whole")
        {
            Grpc = client =>
                client.InvokeBindingAsync(new() { Name = "b", Operation = "create" }).ResponseAsync,
            Http = ("POST", "/v1.0/bindings/b", "{\"operation\":\"create\"}"),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_INVOKE_OUTPUT_BINDING",
            Reason = "ERR_INVOKE_OUTPUT_BINDING",
            Message = "error invoking output binding b: ",
        };
        yield return new Row("app that is not there", "whole")
        {
            Grpc = client =>
                client
                    .InvokeServiceAsync(
                        new()
                        {
                            Id = "gone",
                            Message = new() { Method = "m" },
                        }
                    )
                    .ResponseAsync,
            Http = ("GET", "/v1.0/invoke/gone/method/m", null),
            Codes = (StatusCode.Internal, 500),
            ErrorCode = "ERR_DIRECT_INVOKE",
            Message = "failed to invoke, id: gone, err: ",
        };
    }

    private static Row LockRow(string name, string on, string store, (StatusCode, int) codes) =>
        new(name, on)
        {
            Grpc = client =>
                client
                    .TryLockAlpha1Async(
                        new()
                        {
                            StoreName = store,
                            ResourceId = "r",
                            LockOwner = "o",
                            ExpiryInSeconds = 1,
                        }
                    )
                    .ResponseAsync,
            Http = ("POST", $"/v1.0-alpha1/lock/{store}", LockBody),
            Codes = codes,
            ErrorCode = "",
            Message = "",
        };

    private static Row SecretRow(string name, string on, string store, (StatusCode, int) codes) =>
        new(name, on)
        {
            Grpc = client => client.GetSecretAsync(new() { StoreName = store, Key = "k" }).ResponseAsync,
            Http = ("GET", $"/v1.0/secrets/{store}/k", null),
            Codes = codes,
            ErrorCode = "",
            Message = "",
        };

    private static StateItem Item(string key, string? etag = null) =>
        new()
        {
            Key = key,
            Value = ByteString.CopyFromUtf8("1"),
            Etag = etag is null ? null : new Etag { Value = etag },
        };

    private static Task SaveAsync(DaprApi.DaprClient client, string store, StateItem item)
    {
        var request = new SaveStateRequest { StoreName = store };
        request.States.Add(item);
        return client.SaveStateAsync(request).ResponseAsync;
    }

    private static Task DeleteAsync(DaprApi.DaprClient client, string store, string? etag) =>
        client
            .DeleteStateAsync(
                new()
                {
                    StoreName = store,
                    Key = "k",
                    Etag = etag is null ? null : new Etag { Value = etag },
                }
            )
            .ResponseAsync;

    private static Task TransactAsync(DaprApi.DaprClient client, string store, string operation)
    {
        var request = new ExecuteStateTransactionRequest { StoreName = store };
        request.Operations.Add(
            new TransactionalStateOperation { OperationType = operation, Request = Item("k") }
        );
        return client.ExecuteStateTransactionAsync(request).ResponseAsync;
    }

    private static Task PublishAsync(
        DaprApi.DaprClient client,
        string pubSub,
        string topic,
        string contentType = "text/plain",
        (string Name, string Value)? metadata = null
    )
    {
        var request = PublishRequest.Of(topic, "no json", contentType);
        request.PubsubName = pubSub;
        if (metadata is { } entry)
            request.Metadata.Add(entry.Name, entry.Value);
        return client.PublishEventAsync(request).ResponseAsync;
    }

    private static Task BulkAsync(DaprApi.DaprClient client, params string[] ids)
    {
        var request = new BulkPublishRequest { PubsubName = "pubsub", Topic = "t" };
        request.Entries.AddRange(ids.Select(id => new BulkPublishRequestEntry { EntryId = id }));
        return client.BulkPublishEventAsync(request).ResponseAsync;
    }
}
