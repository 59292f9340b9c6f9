using Souk.Probe.V1;
using Souk.Tests.Harness;
using Client = Souk.Probe.V1.ProbeService.ProbeServiceClient;

namespace Souk.Tests.Shared;

/// <summary>One running probe per fixture.</summary>
internal abstract class ProbeFixture
{
    private protected TestMesh TheMesh { get; private set; } = null!;

    private protected TestService Probe { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartProbe()
    {
        TheMesh = new TestMesh();
        Probe = await TheMesh.AddAsync("probe", ProbeService.Configure);
    }

    [OneTimeTearDown]
    public async Task StopProbe()
    {
        if (TheMesh is not null)
            await TheMesh.DisposeAsync();
    }

    private protected Client As(TestCaller? caller) => TheMesh.Client<Client>("probe", caller);

    private protected Task<long> ValueOf(string counter) =>
        Probe.Db.ScalarAsync<long>(
            "select value from counter where name = $1",
            [counter],
            CancellationToken.None
        );

    private protected static CountRequest Count(string counter, long by = 1) =>
        new()
        {
            RequestId = Guid.CreateVersion7().ToString(),
            Counter = counter,
            By = by,
        };
}
