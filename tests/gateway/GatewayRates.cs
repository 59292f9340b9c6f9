using Souk.Gateway;

namespace Souk.Tests.Gateway;

/// <summary>For tests that call more often than anybody may, and are about something else.</summary>
internal static class GatewayRates
{
    private const int Unreachable = 10_000_000;

    /// <summary>Rates that no test can reach: the general ones and each RPC's own.</summary>
    internal static GatewaySettings WithoutRates(this GatewaySettings settings) =>
        settings with
        {
            RatePerAddress = Unreachable,
            RatePerUser = Unreachable,
            RateScale = Unreachable,
        };
}
