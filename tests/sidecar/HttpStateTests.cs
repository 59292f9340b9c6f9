namespace Souk.Tests.Sidecar;

/// <summary>
/// State over HTTP: what gRPC's tests do not see, paths, headers, JSON and error documents.
/// </summary>
internal sealed class HttpStateTests
{
    private const string Store = "/v1.0/state/store";

    // Of no store: those of Redis are small numbers, the others' are uuids.
    private const string StaleEtag = "4711";
    private TestSidecar? _sidecar;
    private HttpCaller _caller = null!;
    private int _lastKey;

    [OneTimeSetUp]
    public async Task Start()
    {
        var store = GivenSidecar.IsThere
            ? Yaml.RedisState()
            : Yaml.Component("store", "state.in-memory", "v1", Yaml.Item("keyPrefix", "none"));
        _sidecar = await TestSidecar.StartAsync(store, TestSidecar.App("http-state"));
        _caller = _sidecar.Http("http-state");
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_sidecar is null)
            return;
        _caller.Dispose();
        await _sidecar.DisposeAsync();
    }

    [TestCase("\"text\"")]
    [TestCase("12.50")]
    [TestCase("{\"a\":[1,true,null]}")]
    [TestCase("\"zwölf\"")]
    public async Task SaveState_JsonValue_IsGivenBackWithItsEtag(string value)
    {
        var key = Key();
        var saved = await _caller.PostAsync(Store, $"[{{\"key\":\"{key}\",\"value\":{value}}}]");
        Assert.That((saved.Status, saved.Body), Is.EqualTo((204, "")));
        var read = await _caller.GetAsync($"{Store}/{key}");
        Assert.That((read.Status, read.Body), Is.EqualTo((200, value)));
        Assert.That(read.ContentType, Is.EqualTo("application/json"));
        Assert.That(read.Header("etag"), Is.Not.Empty);
    }

    [Test]
    public async Task SaveState_Put_IsAsGoodAsPost()
    {
        var key = Key();
        var saved = await _caller.SendAsync("PUT", Store, $"[{{\"key\":\"{key}\",\"value\":1}}]");
        Assert.That(saved.Status, Is.EqualTo(204));
        Assert.That((await _caller.GetAsync($"{Store}/{key}")).Body, Is.EqualTo("1"));
    }

    [Test]
    public async Task GetState_MissingKey_IsNoContent()
    {
        var read = await _caller.GetAsync($"{Store}/{Key()}");
        Assert.That((read.Status, read.Body), Is.EqualTo((204, "")));
    }

    [TestCase("a%2Fb", "a/b")]
    [TestCase("a%252Fb", "a%2Fb")]
    [TestCase("%C3%BC", "ü")]
    public async Task GetState_EncodedKey_IsDecodedOnce(string path, string key)
    {
        await _caller.PostAsync(Store, $"[{{\"key\":\"{key}\",\"value\":\"{path}\"}}]");
        Assert.That((await _caller.GetAsync($"{Store}/{path}")).Body, Is.EqualTo($"\"{path}\""));
    }

    [Test]
    public async Task SaveState_StaleEtag_IsConflictWithReason()
    {
        var key = Key();
        await _caller.PostAsync(Store, $"[{{\"key\":\"{key}\",\"value\":1}}]");
        var answer = await _caller.PostAsync(
            Store,
            $"[{{\"key\":\"{key}\",\"value\":2,\"etag\":\"{StaleEtag}\"}}]"
        );
        Assert.That(answer.Error, Is.EqualTo((409, "ERR_STATE_SAVE", "ERR_STATE_SAVE")));
        Assert.That(answer.Message, Does.Contain("possible etag mismatch"));
    }

    [Test]
    public async Task SaveState_FirstWriteOnExisting_IsConflict()
    {
        GivenSidecar.RefuseFor("state.in-memory, which alone calls this a conflict");
        var item = $"[{{\"key\":\"{Key()}\",\"value\":1,\"options\":{{\"concurrency\":\"first-write\"}}}}]";
        Assert.That((await _caller.PostAsync(Store, item)).Status, Is.EqualTo(204));
        Assert.That((await _caller.PostAsync(Store, item)).Status, Is.EqualTo(409));
    }

    [Test]
    public async Task DeleteState_IfMatch_ChecksTheEtag()
    {
        var key = Key();
        await _caller.PostAsync(Store, $"[{{\"key\":\"{key}\",\"value\":1}}]");
        var etag = (await _caller.GetAsync($"{Store}/{key}")).Header("etag");
        var stale = ("If-Match", StaleEtag);
        var refused = await _caller.SendAsync("DELETE", $"{Store}/{key}", null, stale);
        Assert.That(refused.Error, Is.EqualTo((409, "ERR_STATE_DELETE", "ERR_STATE_DELETE")));
        var deleted = await _caller.SendAsync("DELETE", $"{Store}/{key}", null, ("If-Match", etag));
        Assert.That(deleted.Status, Is.EqualTo(204));
        Assert.That((await _caller.GetAsync($"{Store}/{key}")).Status, Is.EqualTo(204));
    }

    [Test]
    public async Task SaveState_QueryMetadata_IsEveryItemsUnlessItSaysOtherwise()
    {
        var (first, second) = (Key(), Key());
        await _caller.PostAsync(
            $"{Store}?metadata.ttlInSeconds=1000",
            $"[{{\"key\":\"{first}\",\"value\":1}},"
                + $"{{\"key\":\"{second}\",\"value\":1,\"metadata\":{{\"ttlInSeconds\":\"-1\"}}}}]"
        );
        var limited = await _caller.GetAsync($"{Store}/{first}");
        Assert.That(limited.Header("metadata.ttlExpireTime"), Does.Match(@"^\d{4}-\d\d-\d\dT.*Z$"));
        var unlimited = await _caller.GetAsync($"{Store}/{second}");
        Assert.That(unlimited.Header("metadata.ttlExpireTime"), Is.Empty);
    }

    [Test]
    public async Task GetBulkState_Keys_AreAnsweredInOneList()
    {
        var (there, missing) = (Key(), Key());
        await _caller.PostAsync(Store, $"[{{\"key\":\"{there}\",\"value\":{{\"n\":1}}}}]");
        var answer = await _caller.PostAsync($"{Store}/bulk", $"{{\"keys\":[\"{there}\",\"{missing}\"]}}");
        var items = answer.Json.EnumerateArray().ToDictionary(item => item.GetProperty("key").GetString()!);
        Assert.That(items[there].GetProperty("data").GetRawText(), Is.EqualTo("{\"n\":1}"));
        Assert.That(items[there].GetProperty("etag").GetString(), Is.Not.Empty);
        Assert.That(items[missing].TryGetProperty("data", out _), Is.False);
    }

    [Test]
    public async Task Transaction_UpsertAndDelete_AreOne()
    {
        var (kept, gone) = (Key(), Key());
        await _caller.PostAsync(Store, $"[{{\"key\":\"{gone}\",\"value\":1}}]");
        var answer = await _caller.PostAsync(
            $"{Store}/transaction",
            $"{{\"operations\":[{{\"operation\":\"upsert\",\"request\":{{\"key\":\"{kept}\",\"value\":2}}}},"
                + $"{{\"operation\":\"delete\",\"request\":{{\"key\":\"{gone}\"}}}}]}}"
        );
        Assert.That(answer.Status, Is.EqualTo(204));
        Assert.That((await _caller.GetAsync($"{Store}/{kept}")).Body, Is.EqualTo("2"));
        Assert.That((await _caller.GetAsync($"{Store}/{gone}")).Status, Is.EqualTo(204));
    }

    [Test]
    public async Task Transaction_UnknownOperation_IsNotSupported()
    {
        var answer = await _caller.PostAsync(
            $"{Store}/transaction",
            "{\"operations\":[{\"operation\":\"append\",\"request\":{\"key\":\"k\"}}]}"
        );
        Assert.That(answer.Error, Is.EqualTo((400, "ERR_NOT_SUPPORTED_STATE_OPERATION", "")));
    }

    [TestCase("POST", "/v1.0/state/none", "[]", 400, "ERR_STATE_STORE_NOT_FOUND", "DAPR_STATE_NOT_FOUND")]
    [TestCase("GET", "/v1.0/state/none/k", null, 400, "ERR_STATE_STORE_NOT_FOUND", "DAPR_STATE_NOT_FOUND")]
    [TestCase("POST", Store, "{", 400, "ERR_MALFORMED_REQUEST", "")]
    [TestCase("POST", Store, "{}", 400, "ERR_MALFORMED_REQUEST", "")]
    [TestCase("POST", Store, "[{\"value\":1}]", 400, "ERR_MALFORMED_REQUEST", "")]
    [TestCase("POST", Store, "[{\"key\":7}]", 400, "ERR_MALFORMED_REQUEST", "")]
    [TestCase("GET", Store + "/a%7C%7Cb", null, 400, "ERR_MALFORMED_REQUEST", "DAPR_STATE_ILLEGAL_KEY")]
    [TestCase("POST", Store + "/bulk", "{\"keys\":\"k\"}", 400, "ERR_MALFORMED_REQUEST", "")]
    public async Task State_BadRequest_HasDaprsError(
        string verb,
        string path,
        string? body,
        int status,
        string code,
        string reason
    )
    {
        var answer = await _caller.SendAsync(verb, path, body);
        Assert.That(answer.Error, Is.EqualTo((status, code, reason)));
    }

    private string Key() => $"key-{Guid.CreateVersion7():N}-{Interlocked.Increment(ref _lastKey)}";
}
