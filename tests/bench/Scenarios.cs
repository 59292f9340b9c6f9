namespace Souk.Bench;

/// <summary>One kind of load and the figure it should reach.</summary>
internal sealed record Scenario(
    string Name,
    double PerSecond,
    double? TargetP95,
    double? TargetPerSecond,
    Func<Shop, long, CancellationToken, Task> Operation
)
{
    public async Task<Round> RunAsync(Shop shop, TimeSpan duration, CancellationToken cancellationToken)
    {
        var load = new Load(PerSecond, (index, token) => Operation(shop, index, token));
        return Round.Of(await OpenLoop.RunAsync(load, duration, cancellationToken));
    }
}

/// <summary>The loads that the project sets itself targets for.</summary>
internal static class Scenarios
{
    public static readonly IReadOnlyList<Scenario> All =
    [
        new(
            "product read 500/s",
            500,
            TargetP95: 20,
            TargetPerSecond: null,
            (shop, i, token) => shop.ReadProductAsync(i, token)
        ),
        new(
            "cart operation 200/s",
            200,
            TargetP95: 50,
            TargetPerSecond: null,
            (shop, i, token) => shop.CartOperationAsync(i, token)
        ),
        new(
            "checkout 25/s",
            25,
            TargetP95: 500,
            TargetPerSecond: null,
            (shop, i, token) => shop.CheckoutAsync(i, token)
        ),
        new(
            "checkout 100/s",
            100,
            TargetP95: null,
            TargetPerSecond: 100,
            (shop, i, token) => shop.CheckoutAsync(i, token)
        ),
    ];
}
