using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>
/// Callers who leave in great numbers while the service goes on working for them: nobody else may pay for it,
/// though all calls share few connections to the service.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AbandonedCallTests
{
    // A server keeps twice as many streams of a connection as it allows at once, and the echo service allows
    // a hundred: then it resets every new one, whoever's it is.
    private const int Waves = 12;
    private const int CallersEach = 40;

    [Test]
    public async Task CreateThing_ManyLeftAServiceThatGoesOnForThem_IsAnsweredAllTheSame()
    {
        await using var gateway = await GatewayHarness.StartAsync(s => s.WithoutRates());
        gateway.Traffic.Hold();
        gateway.Traffic.IsDeaf = true;
        try
        {
            for (var wave = 1; wave <= Waves; wave++)
            {
                await LeaveAsync(gateway, wave * CallersEach);
                // Neither what may be repeated nor what must not be.
                var read = await gateway.SendAsync("GET", "/api/v1/things/thing_1");
                Assert.That(read.Status, Is.EqualTo(200), read.Body);
                var written = await gateway.SendAsAsync("seller", "POST", "/api/v1/things", "{}", Once());
                Assert.That(written.Status, Is.EqualTo(200), written.Body);
            }
        }
        finally
        {
            gateway.Traffic.Release();
        }
    }

    private static (string, string) Once() =>
        ("Idempotency-Key", Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString());

    /// <summary>They leave once the service works for all of them.</summary>
    private static async Task LeaveAsync(GatewayHarness gateway, int until)
    {
        using var gone = new CancellationTokenSource();
        var calls = Enumerable.Range(0, CallersEach).Select(_ => PayAsync(gateway, gone.Token)).ToArray();
        await Eventually.ThatAsync(() => gateway.Traffic.Calls >= until);
        await gone.CancelAsync();
        await Task.WhenAll(calls);
    }

    private static async Task PayAsync(GatewayHarness gateway, CancellationToken gone)
    {
        try
        {
            var path = new Uri("/api/v1/pages/1:pay", UriKind.Relative);
            var answer = await gateway.Http.PostAsync(path, null, gone);
            Assert.Fail($"{answer.StatusCode} while the service holds all calls");
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested) { }
    }
}
