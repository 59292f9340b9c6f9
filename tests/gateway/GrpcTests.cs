using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Souk.Gateway;
using Souk.Shared;
using Souk.Tests.Gateway.Protos;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>Calls by the real gRPC client through the gateway's public port.</summary>
internal sealed class GrpcTests
{
    private GatewayHarness _gateway = null!;

    private static DateTime Soon => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(60);

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                BodyBytesMax = 64 * 1024,
                Deadline = new GatewaySettings().Deadline,
            }
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    public async Task GetThing_ByGrpc_PassesWithWhatTheServiceNeedsToKnow()
    {
        var thing = await _gateway.Grpc.GetThingAsync(
            new GetThingRequest { ThingId = "t1" },
            new Metadata { { "x-request-id", "req-7" }, { "x-secret", "stays" } }
        );

        Assert.Multiple(() =>
        {
            Assert.That(thing.ThingId, Is.EqualTo("t1"));
            Assert.That(thing.Metadata["x-request-id"], Is.EqualTo("req-7"));
            Assert.That(thing.Metadata["x-forwarded-for"], Is.EqualTo("127.0.0.1"));
            Assert.That(thing.Metadata, Does.ContainKey("traceparent"));
            Assert.That(thing.Metadata, Does.Not.ContainKey("x-secret"));
            Assert.That(int.Parse(thing.Metadata["deadline-seconds"]), Is.InRange(1, 10));
        });
    }

    [Test]
    public async Task GetThing_WithADeadline_PassesItOn()
    {
        var thing = await _gateway.Grpc.GetThingAsync(new GetThingRequest(), deadline: Soon);

        Assert.That(int.Parse(thing.Metadata["deadline-seconds"]), Is.InRange(11, 60), "more than usual");
    }

    [Test]
    public async Task GetThing_ServiceDownForAMoment_IsRepeated()
    {
        _gateway.Echo.FailuresLeft = 2;

        Assert.That(
            (await _gateway.Grpc.GetThingAsync(new GetThingRequest { ThingId = "t1" })).Etag,
            Is.EqualTo("v1")
        );
    }

    [Test]
    public async Task CreateThing_WithoutToken_IsUnauthenticated() =>
        Assert.That(
            await Failure.OfAsync(() =>
                _gateway.Grpc.CreateThingAsync(new CreateThingRequest()).ResponseAsync
            ),
            Is.EqualTo(new Failure(StatusCode.Unauthenticated, "TOKEN_MISSING"))
        );

    [Test]
    public async Task CreateThing_WithAnotherRole_IsDenied() =>
        Assert.That(
            await Failure.OfAsync(() =>
                _gateway.Grpc.CreateThingAsync(new CreateThingRequest(), As("buyer")).ResponseAsync
            ),
            Is.EqualTo(new Failure(StatusCode.PermissionDenied, "ROLE_REQUIRED"))
        );

    [Test]
    public async Task CreateThing_AsSeller_PassesWithTheToken()
    {
        var thing = await _gateway.Grpc.CreateThingAsync(
            new CreateThingRequest { Thing = new Thing { Name = "Lamp" } },
            As("seller")
        );

        Assert.That(thing.Metadata["authorization"], Does.StartWith("Bearer "));
    }

    [Test]
    public async Task Internal_ByGrpc_LooksAsIfItWereNotThere()
    {
        var hidden = await Failure.OfAsync(() =>
            _gateway.Grpc.InternalAsync(new InternalThing(), As("operator")).ResponseAsync
        );
        var unknown = new Method<Thing, Thing>(
            MethodType.Unary,
            "souk.echo.v1.EchoService",
            "NoSuchThing",
            Marshallers.Create(thing => thing.ToByteArray(), Thing.Parser.ParseFrom),
            Marshallers.Create(thing => thing.ToByteArray(), Thing.Parser.ParseFrom)
        );
        var missing = await Failure.OfAsync(() =>
            _gateway
                .Channel.CreateCallInvoker()
                .AsyncUnaryCall(unknown, null, new CallOptions(), new Thing())
                .ResponseAsync
        );

        Assert.That(
            hidden,
            Is.EqualTo(new Failure(StatusCode.Unimplemented, "ROUTE_NOT_FOUND")).And.EqualTo(missing)
        );
    }

    [TestCase("There is no prod_1: ask \"again\"?")]
    [TestCase("100 % größer als 5 €\r\n\u007f%41")]
    public async Task Fail_AnyText_ArrivesAsItWas(string text)
    {
        var fault = (
            await Assert.ThrowsAsync<RpcException>(async () =>
                await _gateway.Grpc.FailAsync(
                    new FailRequest { Code = (int)StatusCode.Aborted, Message = text }
                )
            )
        )!;
        Assert.That(fault.Status.Detail, Is.EqualTo(text));
    }

    [Test]
    public async Task Fail_WithDetails_KeepsThem()
    {
        var fault = (
            await Assert.ThrowsAsync<RpcException>(async () =>
                await _gateway.Grpc.FailAsync(
                    new FailRequest
                    {
                        Code = (int)StatusCode.FailedPrecondition,
                        Reason = "OUT_OF_STOCK",
                        Message = "50 % weniger für dich",
                        RetryAfterMs = 250,
                    }
                )
            )
        )!;
        var status = Google.Rpc.Status.Parser.ParseFrom(fault.Trailers.GetValueBytes(Fault.DetailsTrailer));

        Assert.Multiple(() =>
        {
            Assert.That(fault.Status.Detail, Is.EqualTo("50 % weniger für dich"));
            Assert.That(status.Details, Has.Count.EqualTo(3));
            Assert.That(status.Details[0].Unpack<ErrorInfo>().Metadata["sku"], Is.EqualTo("S1"));
            Assert.That(
                status.Details[2].Unpack<RetryInfo>().RetryDelay.ToTimeSpan(),
                Is.EqualTo(TimeSpan.FromMilliseconds(250))
            );
        });
    }

    [Test]
    public async Task Fail_WithAFaultOfOurs_TellsNothingOfIt()
    {
        var fault = (
            await Assert.ThrowsAsync<RpcException>(async () =>
                await _gateway.Grpc.FailAsync(
                    new FailRequest
                    {
                        Code = (int)StatusCode.Unknown,
                        Reason = "X",
                        Message = "table product",
                    }
                )
            )
        )!;

        Assert.That(fault.StatusCode, Is.EqualTo(StatusCode.Internal));
        Assert.That(fault.ToString(), Does.Not.Contain("table product").And.Not.Contain("S1"));
    }

    [Test]
    public async Task Fail_LaterThanUsual_IsDeadlineExceeded()
    {
        await using var impatient = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                Deadline = TimeSpan.FromMilliseconds(300),
            }
        );

        Assert.That(
            await Failure.OfAsync(() =>
                impatient.Grpc.FailAsync(new FailRequest { DelayMs = 600_000 }).ResponseAsync
            ),
            Is.EqualTo(new Failure(StatusCode.DeadlineExceeded, "DEADLINE_PASSED"))
        );
    }

    [Test]
    public async Task WatchThings_ByGrpc_StreamsAndEndsWithTheError()
    {
        using var call = _gateway.Grpc.WatchThings(new WatchThingsRequest { Count = -3 });
        var names = new List<string>();
        var ending = await Failure.OfAsync(async () =>
        {
            await foreach (var thing in call.ResponseStream.ReadAllAsync())
                names.Add(thing.Name);
        });

        Assert.That(names, Is.EqualTo(new[] { "thing 0", "thing 1", "thing 2" }));
        Assert.That(ending, Is.EqualTo(new Failure(StatusCode.Aborted, "GONE")));
    }

    [Test]
    public async Task TalkThings_ByGrpc_AnswersEachMessageWhenItComes()
    {
        using var call = _gateway.Grpc.TalkThings(As("buyer"));
        foreach (var name in new[] { "a", "b", "c" })
        {
            await call.RequestStream.WriteAsync(new Thing { Name = name });
            await call.ResponseStream.MoveNext(CancellationToken.None);
            Assert.That(call.ResponseStream.Current.Name, Is.EqualTo($"{name}!"));
        }
        await call.RequestStream.CompleteAsync();

        Assert.That(await call.ResponseStream.MoveNext(CancellationToken.None), Is.False);
    }

    [Test]
    public async Task TalkThings_OneMessageTooLarge_IsRefused()
    {
        using var call = _gateway.Grpc.TalkThings(As("buyer"));
        await call.RequestStream.TryWriteAsync(new Thing { Name = new string('x', 65 * 1024) });
        var ending = await Failure.OfAsync(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.That(ending, Is.EqualTo(new Failure(StatusCode.ResourceExhausted, "TOO_LARGE")));
    }

    [Test]
    public async Task CollectThings_ManyMessages_CountsThemAll()
    {
        using var call = _gateway.Grpc.CollectThings();
        for (var at = 0; at < 100; at++)
            await call.RequestStream.WriteAsync(new Thing { Name = new string('x', 10_000) });
        await call.RequestStream.CompleteAsync();

        Assert.That((await call.ResponseAsync).Total, Is.EqualTo(100));
    }

    [Test]
    public async Task GetThing_MessageTooLarge_IsRefused() =>
        Assert.That(
            await Failure.OfAsync(() =>
                _gateway
                    .Grpc.GetThingAsync(new GetThingRequest { ThingId = new string('x', 65 * 1024) })
                    .ResponseAsync
            ),
            Is.EqualTo(new Failure(StatusCode.ResourceExhausted, "TOO_LARGE"))
        );

    [Test]
    public async Task GetThing_PackedMessage_IsUnpackedByTheService()
    {
        var packed = new Metadata { { "grpc-internal-encoding-request", "gzip" } };
        var thing = await _gateway.Grpc.GetThingAsync(
            new GetThingRequest { ThingId = new string('x', 1000) },
            packed,
            Soon
        );

        Assert.That(thing.ThingId, Is.EqualTo(new string('x', 1000)));
    }

    [Test]
    public async Task CollectThings_OverRest_AsksForAnotherProtocol() =>
        Assert.That(
            (await _gateway.SendAsync("GET", "/api/v1/collect")).Problem,
            Is.EqualTo((426, "FAILED_PRECONDITION", "UPGRADE_REQUIRED"))
        );

    private static Metadata As(string role) =>
        new() { { "authorization", $"Bearer {GatewayHarness.Token(role)}" } };
}
