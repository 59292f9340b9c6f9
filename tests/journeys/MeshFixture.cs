namespace Souk.Tests.Journeys;

/// <summary>One live mesh for all journeys: starting it costs more than most of them.</summary>
[SetUpFixture]
internal sealed class MeshFixture
{
    private static LiveMesh? s_mesh;
    private static Shop? s_shop;

    internal static LiveMesh Mesh =>
        s_mesh ?? throw new InvalidOperationException("The live mesh has not started.");

    internal static Shop Shop => s_shop ?? throw new InvalidOperationException("The shop is not open.");

    [OneTimeSetUp]
    public async Task Start()
    {
        s_mesh = await LiveMesh.StartAsync();
        s_shop = await Shop.OpenAsync(s_mesh);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (s_mesh is null)
            return;
        if (TestContext.CurrentContext.Result.FailCount > 0)
            await TestContext.Error.WriteLineAsync(s_mesh.LastLines());
        s_shop?.Dispose();
        await s_mesh.DisposeAsync();
    }
}

/// <summary>What every journey needs.</summary>
internal abstract class Journey
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    protected static LiveMesh Mesh => MeshFixture.Mesh;

    protected static Shop Shop => MeshFixture.Shop;

    protected static Books Books => Mesh.Books;

    /// <summary>
    /// Waits until the check holds; two minutes are long enough for everything that comes by itself.
    /// </summary>
    protected static async Task Eventually(Func<Task<bool>> holds, string what, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? Patience);
        while (!await holds())
        {
            if (limit.IsCancellationRequested)
                throw new AssertionException($"It never came: {what}\n{Mesh.LastLines()}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>What became of an order once no workflow has work with it.</summary>
    protected static async Task<Outcome> SettledAsync(Guid order, TimeSpan? patience = null)
    {
        Outcome? outcome = null;
        await Eventually(
            async () => (outcome = await Books.OutcomeAsync(order)).IsSettled,
            $"order {order} settled",
            patience
        );
        return outcome!;
    }
}
