using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Souk.Tests.Harness;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;
using StateConcurrency = Dapr.Client.Autogen.Grpc.v1.StateOptions.Types.StateConcurrency;

namespace Souk.Tests.Sidecar;

/// <summary>The state API, on each store that the mesh uses.</summary>
[TestFixture("redis")]
[TestFixture("postgres")]
internal sealed class StateTests(string kind)
{
    private readonly string _appId = GivenSidecar.AppId($"state-{Guid.CreateVersion7():N}");
    private readonly string _run = Guid.CreateVersion7().ToString("N");
    private TestSidecar? _sidecar;
    private SidecarDatabase? _database;
    private DaprApi.DaprClient _client = null!;
    private int _lastKey;

    [OneTimeSetUp]
    public async Task Start()
    {
        var component = Yaml.RedisState();
        if (kind == "postgres")
        {
            _database = await SidecarDatabase.CreateAsync();
            component = Yaml.PostgresState(_database.Address);
        }
        _sidecar = await TestSidecar.StartAsync(component, TestSidecar.App(_appId));
        _client = _sidecar.Client(_appId);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_sidecar is not null)
            await _sidecar.DisposeAsync();
        if (_database is not null)
            await _database.DisposeAsync();
    }

    [Test]
    public async Task SaveState_NewKey_IsReadBackAsWritten()
    {
        var key = Key();
        byte[] bytes = [0, 1, 255, 13, 10];
        await SaveAsync(key, bytes);
        var read = await GetAsync(key);
        Assert.That(read.Data.ToByteArray(), Is.EqualTo(bytes));
        Assert.That(read.Etag, Is.Not.Empty);
    }

    [Test]
    public async Task GetState_MissingKey_IsEmpty() =>
        Assert.That(await GetAsync(Key()), Is.EqualTo(new GetStateResponse()));

    [Test]
    public async Task SaveState_CurrentEtag_ReplacesAndChangesEtag()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray());
        var first = await GetAsync(key);
        await SaveAsync(key, "b"u8.ToArray(), first.Etag);
        var second = await GetAsync(key);
        Assert.That(second.Data.ToStringUtf8(), Is.EqualTo("b"));
        Assert.That(second.Etag, Is.Not.EqualTo(first.Etag));
    }

    [Test]
    public async Task SaveState_StaleEtag_IsAborted()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray());
        var first = await GetAsync(key);
        await SaveAsync(key, "b"u8.ToArray());
        var failure = await DaprFailure.OfAsync(() => SaveAsync(key, "c"u8.ToArray(), first.Etag));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Aborted));
        Assert.That(failure.Reason, Is.EqualTo("ERR_STATE_SAVE"));
        Assert.That(
            failure.Message,
            Does.StartWith("failed saving state in state store store: possible etag mismatch")
        );
        Assert.That((await GetAsync(key)).Data.ToStringUtf8(), Is.EqualTo("b"));
    }

    [Test]
    public async Task SaveState_EtagThatNoStoreMade_IsRefused()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray());
        var failure = await DaprFailure.OfAsync(() => SaveAsync(key, "b"u8.ToArray(), "nonsense"));
        // Redis counts, so it can tell; PostgreSQL v2 takes anything that is no uuid for another etag.
        Assert.That(
            failure.Code,
            Is.EqualTo(kind == "redis" ? StatusCode.InvalidArgument : StatusCode.Aborted)
        );
    }

    [Test]
    public async Task SaveState_EmptyEtag_IsACheckThatFails()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray());
        var failure = await DaprFailure.OfAsync(() => SaveAsync(key, "b"u8.ToArray(), ""));
        Assert.That(failure.Code, Is.AnyOf(StatusCode.InvalidArgument, StatusCode.Aborted));
    }

    [Test]
    public async Task SaveState_FirstWriteOfExistingKey_IsInternal()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray(), concurrency: StateConcurrency.ConcurrencyFirstWrite);
        var failure = await DaprFailure.OfAsync(() =>
            SaveAsync(key, "b"u8.ToArray(), concurrency: StateConcurrency.ConcurrencyFirstWrite)
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Internal));
        Assert.That((await GetAsync(key)).Data.ToStringUtf8(), Is.EqualTo("a"));
    }

    [Test]
    public async Task SaveState_LastWriteWithStaleEtag_DependsOnTheStore()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray());
        var stale = (await GetAsync(key)).Etag;
        await SaveAsync(key, "b"u8.ToArray());
        var save = SaveAsync(key, "c"u8.ToArray(), stale, StateConcurrency.ConcurrencyLastWrite);
        if (kind == "redis")
            await save;
        else
            Assert.That((await DaprFailure.OfAsync(() => save)).Code, Is.EqualTo(StatusCode.Aborted));
    }

    [Test]
    public async Task SaveState_ConcurrentWritersWithOneEtag_OnlyOneWins()
    {
        var key = Key();
        await SaveAsync(key, "0"u8.ToArray());
        var etag = (await GetAsync(key)).Etag;
        var outcomes = await Task.WhenAll(
            Enumerable.Range(1, 20).Select(i => TryAsync(() => SaveAsync(key, [(byte)i], etag)))
        );
        Assert.That(outcomes.Count(won => won), Is.EqualTo(1));
    }

    [Test]
    public async Task SaveState_SeveralItemsOneStale_WritesTheOthersAndIsAborted()
    {
        var (good, bad) = (Key(), Key());
        await SaveAsync(bad, "a"u8.ToArray());
        var stale = (await GetAsync(bad)).Etag;
        await SaveAsync(bad, "b"u8.ToArray());
        var request = new SaveStateRequest { StoreName = "store" };
        request.States.Add(Item(good, "x"u8.ToArray()));
        request.States.Add(Item(bad, "x"u8.ToArray(), stale));
        var failure = await DaprFailure.OfAsync(async () => await _client.SaveStateAsync(request));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Aborted));
        Assert.That((await GetAsync(good)).Data.ToStringUtf8(), Is.EqualTo("x"));
        Assert.That((await GetAsync(bad)).Data.ToStringUtf8(), Is.EqualTo("b"));
    }

    [Test]
    public async Task SaveState_Ttl_ExpiresAndIsClearedByTheNextSave()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray(), ttl: "100");
        Assert.That((await GetAsync(key)).Metadata, Does.ContainKey("ttlExpireTime"));
        await SaveAsync(key, "b"u8.ToArray());
        Assert.That((await GetAsync(key)).Metadata, Is.Empty);

        var shortLived = Key();
        await SaveAsync(shortLived, "a"u8.ToArray(), ttl: "1");
        await Eventually.ThatAsync(async () => (await GetAsync(shortLived)).Etag.Length == 0, "expiry");
        // An expired key is as good as none.
        await SaveAsync(shortLived, "b"u8.ToArray(), concurrency: StateConcurrency.ConcurrencyFirstWrite);
    }

    [TestCase("soon")]
    [TestCase("-2")]
    [TestCase("2147483648")]
    public async Task SaveState_TtlOutOfRange_IsInternal(string ttl)
    {
        var failure = await DaprFailure.OfAsync(() => SaveAsync(Key(), "a"u8.ToArray(), ttl: ttl));
        Assert.That((failure.Code, failure.Reason), Is.EqualTo((StatusCode.Internal, "ERR_STATE_SAVE")));
    }

    [TestCase("0")]
    [TestCase("-1")]
    public async Task SaveState_TtlZeroOrLess_NeverExpires(string ttl)
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray(), ttl: ttl);
        Assert.That((await GetAsync(key)).Metadata, Is.Empty);
    }

    [Test]
    public async Task SaveState_JsonThatIsNone_IsInternal()
    {
        var item = Item(Key(), "{"u8.ToArray());
        item.Metadata.Add("contentType", "application/json");
        var failure = await DaprFailure.OfAsync(() => SaveAsync(item));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.Internal));
    }

    [TestCase("", StatusCode.InvalidArgument, "", "state key cannot be empty")]
    [TestCase(
        "a||b",
        StatusCode.InvalidArgument,
        "DAPR_STATE_ILLEGAL_KEY",
        "input key/keyPrefix 'a||b' can't contain '||'"
    )]
    public async Task SaveState_BadKey_IsInvalid(string key, StatusCode code, string reason, string message)
    {
        var failure = await DaprFailure.OfAsync(() => SaveAsync(key, "a"u8.ToArray()));
        Assert.That((failure.Code, failure.Reason, failure.Message), Is.EqualTo((code, reason, message)));
    }

    [Test]
    public async Task GetState_UnknownStore_IsInvalid()
    {
        var failure = await DaprFailure.OfAsync(async () =>
            await _client.GetStateAsync(new GetStateRequest { StoreName = "nowhere", Key = "k" })
        );
        Assert.That(
            (failure.Code, failure.Reason, failure.Message),
            Is.EqualTo(
                (StatusCode.InvalidArgument, "DAPR_STATE_NOT_FOUND", "state store nowhere is not found")
            )
        );
        Assert.That(failure.Domain, Is.EqualTo("dapr.io"));
    }

    [Test]
    public async Task GetBulkState_SomeMissing_GivesEachKeyOnce()
    {
        var (there, missing) = (Key(), Key());
        await SaveAsync(there, "a"u8.ToArray());
        var request = new GetBulkStateRequest { StoreName = "store" };
        request.Keys.AddRange([there, missing]);
        var response = await _client.GetBulkStateAsync(request);
        var items = response.Items.ToDictionary(item => item.Key);
        Assert.That(items, Has.Count.EqualTo(2));
        Assert.That(items[there].Data.ToStringUtf8(), Is.EqualTo("a"));
        Assert.That(items[there].Etag, Is.EqualTo((await GetAsync(there)).Etag));
        Assert.That(items[missing], Is.EqualTo(new BulkStateItem { Key = missing }));
    }

    [TestCase(-1)]
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1000)]
    public async Task GetBulkState_AnyParallelism_GivesEveryKey(int parallelism)
    {
        var keys = Enumerable.Range(0, 25).Select(_ => Key()).ToArray();
        await Task.WhenAll(keys.Select(key => SaveAsync(key, "a"u8.ToArray())));
        var request = new GetBulkStateRequest { StoreName = "store", Parallelism = parallelism };
        request.Keys.AddRange(keys);
        var items = (await _client.GetBulkStateAsync(request)).Items;
        Assert.That(items.Select(item => item.Key), Is.EquivalentTo(keys));
        Assert.That(items.Select(item => item.Data.ToStringUtf8()), Is.All.EqualTo("a"));
    }

    [Test]
    public async Task DeleteState_MissingKey_IsFine() => await DeleteAsync(Key());

    [Test]
    public async Task DeleteState_MissingKeyWithEtag_IsAborted()
    {
        var other = Key();
        await SaveAsync(other, "a"u8.ToArray());
        var etag = (await GetAsync(other)).Etag;
        var failure = await DaprFailure.OfAsync(() => DeleteAsync(Key(), etag));
        Assert.That((failure.Code, failure.Reason), Is.EqualTo((StatusCode.Aborted, "ERR_STATE_DELETE")));
    }

    [Test]
    public async Task DeleteState_CurrentEtag_Deletes()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray());
        await DeleteAsync(key, (await GetAsync(key)).Etag);
        Assert.That((await GetAsync(key)).Etag, Is.Empty);
    }

    [Test]
    public async Task DeleteBulkState_Keys_DeletesAll()
    {
        var (first, second) = (Key(), Key());
        await SaveAsync(first, "a"u8.ToArray());
        await SaveAsync(second, "a"u8.ToArray());
        var request = new DeleteBulkStateRequest { StoreName = "store" };
        request.States.AddRange([new StateItem { Key = first }, new StateItem { Key = second }]);
        await _client.DeleteBulkStateAsync(request);
        Assert.That((await GetAsync(first)).Etag + (await GetAsync(second)).Etag, Is.Empty);
    }

    [Test]
    public async Task DeleteBulkState_OneStale_DeletesTheOthersAndIsAborted()
    {
        var (good, bad) = (Key(), Key());
        await SaveAsync(good, "a"u8.ToArray());
        await SaveAsync(bad, "a"u8.ToArray());
        var stale = (await GetAsync(bad)).Etag;
        await SaveAsync(bad, "b"u8.ToArray());
        var failure = await DeleteBulkFailureAsync((good, null), (bad, stale));
        Assert.That(
            (failure.Code, failure.Reason),
            Is.EqualTo((StatusCode.Aborted, "ERR_STATE_BULK_DELETE"))
        );
        Assert.That((await GetAsync(good)).Etag, Is.Empty);
        Assert.That((await GetAsync(bad)).Data.ToStringUtf8(), Is.EqualTo("b"));
    }

    [Test]
    public async Task DeleteBulkState_EtagThatNoStoreMade_IsRefused()
    {
        var key = Key();
        await SaveAsync(key, "a"u8.ToArray());
        var failure = await DeleteBulkFailureAsync((key, "nonsense"));
        var code = kind == "redis" ? StatusCode.InvalidArgument : StatusCode.Aborted;
        Assert.That((failure.Code, failure.Reason), Is.EqualTo((code, "ERR_STATE_BULK_DELETE")));
        Assert.That((await GetAsync(key)).Etag, Is.Not.Empty);
    }

    [Test]
    public async Task ExecuteStateTransaction_Operations_AreAllApplied()
    {
        var (written, deleted) = (Key(), Key());
        await SaveAsync(deleted, "a"u8.ToArray());
        await TransactAsync(
            ("upsert", Item(written, "x"u8.ToArray())),
            ("delete", new StateItem { Key = deleted })
        );
        Assert.That((await GetAsync(written)).Data.ToStringUtf8(), Is.EqualTo("x"));
        Assert.That((await GetAsync(deleted)).Etag, Is.Empty);
    }

    [Test]
    public async Task ExecuteStateTransaction_StaleEtag_IsInternalAndSaysWhy()
    {
        var (written, stale) = (Key(), Key());
        await SaveAsync(stale, "a"u8.ToArray());
        var etag = (await GetAsync(stale)).Etag;
        await SaveAsync(stale, "b"u8.ToArray());
        var failure = await DaprFailure.OfAsync(() =>
            TransactAsync(
                ("upsert", Item(written, "x"u8.ToArray())),
                ("upsert", Item(stale, "x"u8.ToArray(), etag))
            )
        );
        Assert.That(
            (failure.Code, failure.Reason),
            Is.EqualTo((StatusCode.Internal, "ERR_STATE_TRANSACTION"))
        );
        Assert.That(failure.Message, Does.Contain("possible etag mismatch"));
        Assert.That((await GetAsync(stale)).Data.ToStringUtf8(), Is.EqualTo("b"));
        // Redis does not take back what the transaction wrote before; PostgreSQL does.
        Assert.That((await GetAsync(written)).Etag, kind == "redis" ? Is.Not.Empty : Is.Empty);
    }

    [Test]
    public async Task ExecuteStateTransaction_ConcurrentWritersWithOneEtag_OnlyOneWins()
    {
        var (guarded, counter) = (Key(), Key());
        await SaveAsync(guarded, "0"u8.ToArray());
        var etag = (await GetAsync(guarded)).Etag;
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(1, 20)
                .Select(i =>
                    TryAsync(() =>
                        TransactAsync(
                            ("upsert", Item(guarded, [(byte)i], etag)),
                            ("upsert", Item($"{counter}-{i}", [(byte)i]))
                        )
                    )
                )
        );
        Assert.That(outcomes.Count(won => won), Is.EqualTo(1));
    }

    [Test]
    public async Task ExecuteStateTransaction_UnknownOperation_IsUnimplemented()
    {
        var failure = await DaprFailure.OfAsync(() =>
            TransactAsync(("Upsert", Item(Key(), "x"u8.ToArray())))
        );
        Assert.That(
            (failure.Code, failure.Message),
            Is.EqualTo((StatusCode.Unimplemented, "operation type Upsert not supported"))
        );
    }

    [Test]
    public async Task ExecuteStateTransaction_NoOperations_IsFine() => await TransactAsync();

    private string Key() => $"key-{_run}-{Interlocked.Increment(ref _lastKey)}";

    private static StateItem Item(string key, byte[] value, string? etag = null)
    {
        var item = new StateItem { Key = key, Value = ByteString.CopyFrom(value) };
        if (etag is not null)
            item.Etag = new Etag { Value = etag };
        return item;
    }

    private Task SaveAsync(
        string key,
        byte[] value,
        string? etag = null,
        StateConcurrency concurrency = default,
        string? ttl = null
    )
    {
        var item = Item(key, value, etag);
        item.Options = new StateOptions { Concurrency = concurrency };
        if (ttl is not null)
            item.Metadata.Add("ttlInSeconds", ttl);
        return SaveAsync(item);
    }

    private async Task SaveAsync(StateItem item)
    {
        var request = new SaveStateRequest { StoreName = "store" };
        request.States.Add(item);
        await _client.SaveStateAsync(request);
    }

    private async Task<GetStateResponse> GetAsync(string key) =>
        await _client.GetStateAsync(new GetStateRequest { StoreName = "store", Key = key });

    private async Task DeleteAsync(string key, string? etag = null)
    {
        var request = new DeleteStateRequest { StoreName = "store", Key = key };
        if (etag is not null)
            request.Etag = new Etag { Value = etag };
        await _client.DeleteStateAsync(request);
    }

    private Task<DaprFailure> DeleteBulkFailureAsync(params (string Key, string? Etag)[] items)
    {
        var request = new DeleteBulkStateRequest { StoreName = "store" };
        request.States.AddRange(items.Select(item => Item(item.Key, [], item.Etag)));
        return DaprFailure.OfAsync(async () => await _client.DeleteBulkStateAsync(request));
    }

    private async Task TransactAsync(params (string Type, StateItem Item)[] operations)
    {
        var request = new ExecuteStateTransactionRequest { StoreName = "store" };
        foreach (var (type, item) in operations)
            request.Operations.Add(new TransactionalStateOperation { OperationType = type, Request = item });
        await _client.ExecuteStateTransactionAsync(request);
    }

    private static async Task<bool> TryAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Aborted or StatusCode.Internal)
        {
            return false;
        }
    }
}
