using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Security;

/// <summary>
/// Holds back clients that call too often: by address before anything else, then by user.
/// </summary>
internal sealed class RateGate(GatewaySettings settings, TimeProvider clock)
{
    private readonly RateLimits _perAddress = new(settings.RatePerAddress, clock);
    private readonly RateLimits _perUser = new(settings.RatePerUser, clock);

    public void CheckAddress(string address) => Check(_perAddress, address);

    public void CheckUser(Caller caller)
    {
        if (!caller.IsAnonymous)
            Check(_perUser, caller.UserId);
    }

    private static void Check(RateLimits limits, string key)
    {
        if (limits.Take(key) is { IsAllowed: false } verdict)
            throw Fault.ResourceExhausted(
                Reason.RateLimited,
                "Too many requests at once.",
                verdict.RetryAfter
            );
    }
}
