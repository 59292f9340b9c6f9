using System.CommandLine;

namespace Souk.Tool.Demo;

/// <summary>`souk demo`: a new customer buys through REST, each step printed and checked.</summary>
internal static class DemoCommand
{
    // What is repeated bears an Idempotency-Key; a machine that is busy building shall not spoil the show.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Command Create()
    {
        var command = new Command("demo", "buy through REST as a new customer and check every step");
        command.SetAction((parsed, cancel) => ToolConsole.RunAsync(() => RunAsync(cancel)));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancel)
    {
        var settings = ToolSettings.FromEnvironment();
        var shop = ShopClient.For(settings.ShopUrl, Patience);
        var customer = await Customer.RegisterAsync(shop, cancel);
        var shelf = await customer.BrowseAsync(cancel);
        await new FirstPurchase(customer).RunAsync(shelf, cancel);
        await new CancelledPurchase(customer).RunAsync(shelf[0], cancel);
        DemoScript.End();
        return 0;
    }
}
