using Dapr;
using Dapr.Client;
using Google.Protobuf;
using Grpc.Core;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Souk.Tests.Standins;

public sealed class DaprClientStateTests
{
    private sealed record Cart(string Owner, int Lines);

    private FakeSidecar _sidecar = null!;
    private LoopbackApp _app = null!;
    private DaprClient _client = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _sidecar = new FakeSidecar();
        _app = await LoopbackApp.StartAsync(_sidecar);
        _client = new DaprClientBuilder().UseGrpcEndpoint(_app.GrpcEndpoint).Build();
    }

    [TearDown]
    public async Task StopAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }

    [Test]
    public async Task GetState_MissingKey_GivesDefaultAndAnEmptyEtag()
    {
        var (value, etag) = await _client.GetStateAndETagAsync<Cart?>("cartstore", "k");

        Assert.That((value, etag), Is.EqualTo(((Cart?)null, "")));
        Assert.That(await _client.GetStateAsync<int>("cartstore", "k"), Is.Zero);
    }

    [Test]
    public async Task GetState_Present_ReadsJsonByTheWebRules()
    {
        _sidecar.State = new Wire.GetStateResponse
        {
            Data = ByteString.CopyFromUtf8("""{"owner":"ann","LINES":2}"""),
            Etag = "7",
        };

        var (value, etag) = await _client.GetStateAndETagAsync<Cart>(
            "cartstore",
            "k",
            ConsistencyMode.Strong,
            new Dictionary<string, string> { ["a"] = "b" }
        );

        Assert.That((value, etag), Is.EqualTo((new Cart("ann", 2), "7")));
        var expected = new Wire.GetStateRequest
        {
            StoreName = "cartstore",
            Key = "k",
            Consistency = Wire.StateOptions.Types.StateConsistency.ConsistencyStrong,
            Metadata = { ["a"] = "b" },
        };
        Assert.That(_sidecar.Single<Wire.GetStateRequest>(), Is.EqualTo(expected));
    }

    [Test]
    public void GetState_OfAnotherShape_SaysWhichKey()
    {
        _sidecar.State = new Wire.GetStateResponse { Data = ByteString.CopyFromUtf8("[]") };

        Assert.That(
            () => _client.GetStateAsync<Cart>("cartstore", "k7"),
            Throws.TypeOf<DaprException>().With.Message.Contains("k7")
        );
    }

    [Test]
    public async Task SaveState_NoEtag_SendsNone()
    {
        await _client.SaveStateAsync(
            "cartstore",
            "k",
            new Cart("ann", 2),
            new StateOptions { Concurrency = ConcurrencyMode.FirstWrite },
            new Dictionary<string, string> { ["ttlInSeconds"] = "60" }
        );

        var expected = new Wire.StateItem
        {
            Key = "k",
            Value = ByteString.CopyFromUtf8("""{"owner":"ann","lines":2}"""),
            Options = new Wire.StateOptions
            {
                Concurrency = Wire.StateOptions.Types.StateConcurrency.ConcurrencyFirstWrite,
            },
            Metadata = { ["ttlInSeconds"] = "60" },
        };
        Assert.That(_sidecar.Single<Wire.SaveStateRequest>().States.Single(), Is.EqualTo(expected));
    }

    [Test]
    public async Task TrySaveState_EmptyEtag_SendsAnEmptyOne()
    {
        await _client.TrySaveStateAsync("cartstore", "k", 1, etag: "");

        Assert.That(
            _sidecar.Single<Wire.SaveStateRequest>().States.Single().Etag,
            Is.EqualTo(new Wire.Etag())
        );
    }

    [Test]
    public async Task TrySaveAndTryDelete_Aborted_AreFalse()
    {
        _sidecar.Failure = new Status(StatusCode.Aborted, "possible etag mismatch");

        Assert.That(await _client.TrySaveStateAsync("cartstore", "k", 1, "7"), Is.False);
        Assert.That(await _client.TrySaveByteStateAsync("cartstore", "k", new byte[] { 1 }, "7"), Is.False);
        Assert.That(await _client.TryDeleteStateAsync("cartstore", "k", "7"), Is.False);
    }

    [Test]
    public void TrySaveState_AnyOtherFailure_Throws()
    {
        _sidecar.Failure = new Status(StatusCode.Internal, "disk full");

        Assert.That(
            () => _client.TrySaveStateAsync("cartstore", "k", 1, "7"),
            Throws
                .TypeOf<DaprException>()
                .With.InnerException.TypeOf<RpcException>()
                .And.Message.Contains("disk full")
        );
    }

    [Test]
    public void SaveState_Aborted_Throws()
    {
        _sidecar.Failure = new Status(StatusCode.Aborted, "first write");
        Assert.That(() => _client.SaveStateAsync("cartstore", "k", 1), Throws.TypeOf<DaprException>());
    }

    [Test]
    public async Task ByteState_RoundTrip_IsUntouched()
    {
        byte[] bytes = [0, 255, 34];
        _sidecar.State = new Wire.GetStateResponse { Data = ByteString.CopyFrom(bytes), Etag = "1" };

        await _client.SaveByteStateAsync("cartstore", "k", bytes);
        var (read, etag) = await _client.GetByteStateAndETagAsync("cartstore", "k");

        Assert.That(
            _sidecar.Single<Wire.SaveStateRequest>().States.Single().Value.ToByteArray(),
            Is.EqualTo(bytes)
        );
        Assert.That(read.ToArray(), Is.EqualTo(bytes));
        Assert.That(etag, Is.EqualTo("1"));
    }

    [Test]
    public async Task BulkState_SeveralKeys_ComeBackTyped()
    {
        _sidecar.BulkState.Items.Add(
            new Wire.BulkStateItem
            {
                Key = "a",
                Data = ByteString.CopyFromUtf8("5"),
                Etag = "1",
            }
        );
        _sidecar.BulkState.Items.Add(new Wire.BulkStateItem { Key = "b" });

        var items = await _client.GetBulkStateAsync<int?>("cartstore", ["a", "b"], parallelism: 4);

        Assert.That(
            items.Select(item => (item.Key, item.Value)),
            Is.EqualTo(new[] { ("a", (int?)5), ("b", null) })
        );
        Assert.That(_sidecar.Single<Wire.GetBulkStateRequest>().Parallelism, Is.EqualTo(4));
    }

    [Test]
    public void BulkState_KeyUnreadable_ThrowsInsteadOfMissing()
    {
        _sidecar.BulkState.Items.Add(new Wire.BulkStateItem { Key = "a", Error = "timeout" });

        Assert.That(
            () => _client.GetBulkStateAsync("cartstore", ["a"], null),
            Throws.TypeOf<DaprException>().With.Message.Contains("timeout")
        );
    }

    [Test]
    public async Task Transaction_UpsertAndDelete_AreSpelledAsTheWireWants()
    {
        await _client.ExecuteStateTransactionAsync(
            "catalogstore",
            [
                new StateTransactionRequest("a", "1"u8.ToArray(), StateOperationType.Upsert, etag: "3"),
                new StateTransactionRequest("b", null, StateOperationType.Delete),
            ],
            new Dictionary<string, string> { ["m"] = "n" }
        );

        var request = _sidecar.Single<Wire.ExecuteStateTransactionRequest>();
        Assert.That(
            request.Operations.Select(step => step.OperationType),
            Is.EqualTo(new[] { "upsert", "delete" })
        );
        Assert.That(request.Operations[0].Request.Etag.Value, Is.EqualTo("3"));
        Assert.That(request.Operations[1].Request.Etag, Is.Null);
        Assert.That(request.Metadata["m"], Is.EqualTo("n"));
    }

    [Test]
    public async Task StateEntry_TrySave_UsesTheEtagThatWasRead()
    {
        _sidecar.State = new Wire.GetStateResponse { Data = ByteString.CopyFromUtf8("1"), Etag = "9" };

        var entry = await _client.GetStateEntryAsync<int>("cartstore", "k");
        entry.Value++;
        Assert.That(await entry.TrySaveAsync(), Is.True);

        var item = _sidecar.Single<Wire.SaveStateRequest>().States.Single();
        Assert.That((item.Etag.Value, item.Value.ToStringUtf8()), Is.EqualTo(("9", "2")));
    }

    [Test]
    public void State_ImpossibleArguments_AreRefusedBeforeAnyCall()
    {
        Assert.That(() => _client.GetStateAsync<int>("", "k"), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => _client.SaveStateAsync("s", "", 1), Throws.InstanceOf<ArgumentException>());
        Assert.That(
            () => _client.TrySaveStateAsync("s", "k", 1, null!),
            Throws.InstanceOf<ArgumentException>()
        );
        Assert.That(() => _client.GetBulkStateAsync("s", [], null), Throws.InstanceOf<ArgumentException>());
        Assert.That(_sidecar.Requests, Is.Empty);
    }

    [Test]
    public void GetState_Cancelled_ThrowsOperationCanceled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.That(
            () => _client.GetStateAsync<int>("s", "k", cancellationToken: cancelled.Token),
            Throws.InstanceOf<OperationCanceledException>()
        );
    }
}
