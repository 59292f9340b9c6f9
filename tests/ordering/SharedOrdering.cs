using Souk.Tests.Harness;
using Client = Souk.Ordering.V1.OrderingService.OrderingServiceClient;

namespace Souk.Tests.Ordering;

/// <summary>
/// One mesh for all fixtures that leave its clock alone: their buyers and goods do not meet.
/// </summary>
[SetUpFixture]
internal sealed class SharedOrdering
{
    private static OrderingMesh? s_mesh;

    internal static OrderingMesh Mesh =>
        s_mesh ?? throw new InvalidOperationException("The shared mesh has not started.");

    [OneTimeSetUp]
    public async Task Start() => s_mesh = await OrderingMesh.StartAsync();

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (s_mesh is not null)
            await s_mesh.DisposeAsync();
    }
}

/// <summary>What tests of ordering's RPCs share.</summary>
[Parallelizable(ParallelScope.All)]
internal abstract class OrderingTests
{
    protected static OrderingMesh Mesh => SharedOrdering.Mesh;

    protected static Client Staff => Mesh.Staff;

    protected static Client As(TestCaller caller) => Mesh.As(caller);
}
