using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Shared;
using Souk.Tests.Harness;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Souk.Tests.Shared;

internal sealed class HostTests : ProbeFixture
{
    [Test, Description("X-22")]
    public async Task Check_SidecarDown_IsNotServing()
    {
        var health = TheMesh.Client<Health.HealthClient>("probe");
        var reply = await health.CheckAsync(new HealthCheckRequest());
        Assert.That(reply.Status, Is.EqualTo(Serving.NotServing));
    }

    [Test]
    public void Build_WhateverDirectory_ReadsNoSettingsOfIt()
    {
        var settings = (IConfigurationRoot)Probe.Get<IConfiguration>();
        Assert.That(settings.Providers.OfType<FileConfigurationProvider>(), Is.Empty);
    }

    [Test]
    public async Task Check_ServiceNotServedHere_IsNotFound()
    {
        var health = TheMesh.Client<Health.HealthClient>("probe");
        var failure = await Failure.OfAsync(() =>
            health.CheckAsync(new HealthCheckRequest { Service = "no.Such" })
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.NotFound));
    }

    [Test]
    public async Task ServerReflectionInfo_OfAService_TellsAllThatItServes()
    {
        using var call = TheMesh
            .Client<ServerReflection.ServerReflectionClient>("probe")
            .ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        await call.ResponseStream.MoveNext(CancellationToken.None);
        await call.RequestStream.CompleteAsync();

        Assert.That(
            call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name),
            Is.EquivalentTo(
                new[]
                {
                    "dapr.proto.runtime.v1.AppCallback",
                    "grpc.health.v1.Health",
                    "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection",
                    "souk.probe.v1.ProbeService",
                }
            )
        );
    }

    [Test]
    public async Task Watch_ProcessStops_SaysSoAndEnds()
    {
        await using var mesh = new TestMesh();
        var probe = await mesh.AddAsync("probe", ProbeService.Configure);
        using var call = mesh.Client<Health.HealthClient>("probe")
            .Watch(new HealthCheckRequest { Service = "no.Such" });
        await call.ResponseStream.MoveNext(CancellationToken.None);
        Assert.That(call.ResponseStream.Current.Status, Is.EqualTo(Serving.ServiceUnknown));

        var stopped = probe.StopAsync();
        Assert.That(await call.ResponseStream.MoveNext(CancellationToken.None), Is.False);
        await stopped;
    }

    [Test]
    public async Task Stop_CallInFlight_IsAnsweredFirst()
    {
        await using var mesh = new TestMesh();
        var probe = await mesh.AddAsync("probe", ProbeService.Configure);
        var client = mesh.Client<Souk.Probe.V1.ProbeService.ProbeServiceClient>("probe");
        var call = client.FailAsync(new Souk.Probe.V1.FailRequest { How = "hold" });
        await probe.Get<ProbeFaults>().Held;
        var stopped = probe.StopAsync();
        probe.Get<ProbeFaults>().Release();
        await call;
        await stopped;
    }

    [Test]
    public async Task Job_RunFails_GoesOnAtTheNextTick()
    {
        var clock = new ManualTimeProvider();
        using var job = new FailingJob(clock);
        await job.StartAsync(CancellationToken.None);
        await job.Ran(1);
        clock.Advance(TimeSpan.FromMinutes(1));
        await job.Ran(2);
        await job.StopAsync(CancellationToken.None);
    }

    [TestCase("SOUK_POSTGRES", "mysql://x")]
    [TestCase("APP_PORT", "70000")]
    [TestCase("APP_PORT", "x")]
    [TestCase("SOUK_LOG_LEVEL", "loud")]
    [NonParallelizable]
    public void Settings_Unusable_StopTheStart(string name, string value)
    {
        var before = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, value);
        try
        {
            Assert.That(() => ServiceSettings.FromEnvironment("probe"), Throws.InvalidOperationException);
        }
        finally
        {
            Environment.SetEnvironmentVariable(name, before);
        }
    }

    private sealed class FailingJob(TimeProvider clock)
        : BackgroundJob(TimeSpan.FromMinutes(1), clock, NullLogger<FailingJob>.Instance)
    {
        private readonly SemaphoreSlim _runs = new(0);
        private int _awaited;

        public override Task<bool> RunOnceAsync(CancellationToken token)
        {
            _runs.Release();
            throw new InvalidOperationException("as asked");
        }

        internal async Task Ran(int times)
        {
            for (; _awaited < times; _awaited++)
                Assert.That(await _runs.WaitAsync(TimeSpan.FromSeconds(90)), Is.True);
        }

        public override void Dispose()
        {
            _runs.Dispose();
            base.Dispose();
        }
    }
}
