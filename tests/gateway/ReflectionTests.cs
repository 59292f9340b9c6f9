using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Alpha = Grpc.Reflection.V1Alpha;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Souk.Tests.Gateway;

/// <summary>What the gateway tells of itself to gRPC's tools: reflection and health.</summary>
internal sealed class ReflectionTests
{
    private const string Echo = "souk.echo.v1.EchoService";
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() => _gateway = await GatewayHarness.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    public async Task ServerReflectionInfo_ListServices_NamesPublicOnes()
    {
        var answer = await AskAsync(new ServerReflectionRequest { ListServices = "" });

        Assert.That(
            answer.ListServicesResponse.Service.Select(service => service.Name),
            Is.EqualTo(
                new[]
                {
                    "grpc.health.v1.Health",
                    "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection",
                    Echo,
                    "souk.echo.v1.TrafficService",
                }
            )
        );
    }

    [TestCase($"{Echo}")]
    [TestCase($"{Echo}.GetThing")]
    [TestCase("souk.echo.v1.Thing")]
    [TestCase("souk.echo.v1.Thing.price")]
    [TestCase("souk.echo.v1.THING_STATE_ACTIVE")]
    public async Task ServerReflectionInfo_PublicSymbol_TellsItsFileAndAllImports(string symbol)
    {
        var answer = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });
        var files = answer.FileDescriptorResponse.FileDescriptorProto.Select(
            FileDescriptorProto.Parser.ParseFrom
        );
        var known = files.ToDictionary(file => file.Name);

        Assert.That(
            answer.FileDescriptorResponse.FileDescriptorProto[0],
            Is.EqualTo(known["echo.proto"].ToByteString())
        );
        Assert.That(known.Values.SelectMany(file => file.Dependency).Distinct(), Is.SubsetOf(known.Keys));
        var service = known["echo.proto"].Service.Single();
        Assert.That(
            service.Method.Select(method => method.Name),
            Does.Contain("GetThing").And.Not.Contain("Internal")
        );
    }

    [TestCase($"{Echo}.Internal")]
    [TestCase("souk.echo.v1.InternalThing")]
    [TestCase("souk.echo.v1.Nothing")]
    public async Task ServerReflectionInfo_InternalOrUnknownSymbol_IsNotFound(string symbol)
    {
        var answer = await AskAsync(new ServerReflectionRequest { FileContainingSymbol = symbol });

        Assert.That(answer.ErrorResponse.ErrorCode, Is.EqualTo((int)StatusCode.NotFound));
    }

    [Test]
    public async Task ServerReflectionInfo_Extensions_AreFoundByTypeAndNumber()
    {
        var numbers = await AskAsync(
            new ServerReflectionRequest { AllExtensionNumbersOfType = "google.protobuf.MethodOptions" }
        );
        var file = await AskAsync(
            new ServerReflectionRequest
            {
                FileContainingExtension = new ExtensionRequest
                {
                    ContainingType = "google.protobuf.MethodOptions",
                    ExtensionNumber = 51001,
                },
            }
        );
        var byName = await AskAsync(
            new ServerReflectionRequest { FileByFilename = "souk/options/v1/options.proto" }
        );

        Assert.That(numbers.AllExtensionNumbersResponse.ExtensionNumber, Does.Contain(51001));
        Assert.That(file.FileDescriptorResponse, Is.EqualTo(byName.FileDescriptorResponse));
    }

    [Test]
    public async Task ServerReflectionInfo_UnderItsOldName_AnswersTheSame()
    {
        using var call = new Alpha.ServerReflection.ServerReflectionClient(
            _gateway.Channel
        ).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new Alpha.ServerReflectionRequest { ListServices = "*" });
        await call.ResponseStream.MoveNext(CancellationToken.None);

        Assert.That(call.ResponseStream.Current.ListServicesResponse.Service, Has.Count.EqualTo(5));
        await call.RequestStream.CompleteAsync();
    }

    [Test]
    public async Task Health_EachName_TellsItsState()
    {
        var health = new Health.HealthClient(_gateway.Channel);
        var own = await health.CheckAsync(new HealthCheckRequest());
        var echo = await health.CheckAsync(new HealthCheckRequest { Service = Echo });
        var unknown = (
            await Assert.ThrowsAsync<RpcException>(async () =>
                await health.CheckAsync(new HealthCheckRequest { Service = "souk.nobody" })
            )
        )!;

        Assert.That((own.Status, echo.Status), Is.EqualTo((Serving.Serving, Serving.Serving)));
        Assert.That(unknown.StatusCode, Is.EqualTo(StatusCode.NotFound));
    }

    [Test]
    public async Task Health_Watched_TellsEachChange()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        using var call = new Health.HealthClient(gateway.Channel).Watch(
            new HealthCheckRequest { Service = Echo }
        );
        var states = call.ResponseStream;
        await states.MoveNext(CancellationToken.None);
        Assert.That(states.Current.Status, Is.EqualTo(Serving.Serving));

        gateway.Health.Status = Serving.NotServing;
        await states.MoveNext(CancellationToken.None);
        Assert.That(states.Current.Status, Is.EqualTo(Serving.NotServing));
    }

    private async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request)
    {
        using var call = new ServerReflection.ServerReflectionClient(_gateway.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(request);
        await call.ResponseStream.MoveNext(CancellationToken.None);
        var answer = call.ResponseStream.Current;
        await call.RequestStream.CompleteAsync();
        return answer;
    }
}
