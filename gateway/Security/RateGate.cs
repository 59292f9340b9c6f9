using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Security;

/// <summary>
/// Holds back clients that call too often: by address before anything else, by user once there is one,
/// and by the RPC's own rate. Every reply tells the tightest in the headers of the IETF's draft.
/// </summary>
internal sealed class RateGate
{
    private const int Ipv6NetworkBytes = 8;

    /// <summary>The general limits let a second's share more pass at once.</summary>
    private const int BurstSeconds = 2;

    private readonly RateLimits _perAddress;
    private readonly RateLimits _perUser;
    private readonly Dictionary<Rpc, RateLimits> _perRpc = [];
    private readonly Dictionary<Rpc, string> _policies = [];
    private readonly string _addressPolicy;

    public RateGate(GatewaySettings settings, Contracts contracts, TimeProvider clock)
    {
        _perAddress = General("address", settings.RatePerAddress, clock);
        _perUser = General("user", settings.RatePerUser, clock);
        _addressPolicy = _perAddress.Policy.Item;
        var general = $"{_perAddress.Policy.Item}, {_perUser.Policy.Item}";
        foreach (var rpc in contracts.Rpcs)
        {
            _policies[rpc] = general;
            if (rpc.Traffic.Rate is not { } rate)
                continue;
            var calls = (int)Math.Min((long)rate.Calls * settings.RateScale, int.MaxValue);
            var policy = new RatePolicy(rpc.Name, calls, TimeSpan.FromSeconds(rate.Seconds));
            _perRpc[rpc] = new RateLimits(policy, clock);
            _policies[rpc] = $"{general}, {policy.Item}";
        }
    }

    /// <summary>Before the caller is known: the address, and what an RPC without token allows it.</summary>
    public void CheckAddress(Exchange exchange)
    {
        var key = KeyOf(exchange.ClientAddress);
        exchange.Context.Response.Headers["RateLimit-Policy"] = exchange.Rpc is { } rpc
            ? _policies[rpc]
            : _addressPolicy;
        Check(_perAddress, key, exchange);
        // By address even with a token: whoever guesses passwords has one.
        if (exchange.Rpc is { IsPublic: true } open && _perRpc.TryGetValue(open, out var limits))
            Check(limits, key, exchange);
    }

    /// <summary>Once the caller is known.</summary>
    public void CheckUser(Exchange exchange)
    {
        var caller = exchange.Caller;
        if (caller.IsAnonymous)
            return;
        Check(_perUser, caller.UserId, exchange);
        if (exchange.Rpc is { IsPublic: false } rpc && _perRpc.TryGetValue(rpc, out var limits))
            Check(limits, caller.UserId, exchange);
    }

    private static RateLimits General(string name, int perSecond, TimeProvider clock) =>
        new(
            new RatePolicy(
                name,
                (int)Math.Min((long)perSecond * BurstSeconds, int.MaxValue),
                TimeSpan.FromSeconds(BurstSeconds)
            ),
            clock
        );

    private static void Check(RateLimits limits, string key, Exchange exchange)
    {
        var verdict = limits.Take(key);
        Tell(limits.Policy, verdict, exchange);
        if (!verdict.IsAllowed)
            throw Fault.ResourceExhausted(
                Reason.RateLimited,
                "Too many requests at once.",
                verdict.RetryAfter,
                ("policy", limits.Policy.Name)
            );
    }

    // Clients slow down by the one number that will stop them first.
    private static void Tell(RatePolicy policy, RateVerdict verdict, Exchange exchange)
    {
        var left = (double)verdict.Remaining / policy.Calls;
        if (left > exchange.RateLeft)
            return;
        exchange.RateLeft = left;
        var reset = (long)Math.Ceiling(verdict.Reset.TotalSeconds);
        exchange.Context.Response.Headers["RateLimit"] = string.Create(
            CultureInfo.InvariantCulture,
            $"\"{policy.Name}\";r={verdict.Remaining};t={reset}"
        );
    }

    // A household or an attacker has a whole /64, and every address in it costs nothing.
    private static string KeyOf(string address)
    {
        if (!address.Contains(':') || !IPAddress.TryParse(address, out var parsed))
            return address;
        if (parsed.IsIPv4MappedToIPv6)
            return parsed.MapToIPv4().ToString();
        return parsed.AddressFamily == AddressFamily.InterNetworkV6
            ? Convert.ToHexString(parsed.GetAddressBytes().AsSpan(0, Ipv6NetworkBytes))
            : address;
    }
}
