using System.Globalization;
using Google.Protobuf.Reflection;
using Souk.Options.V1;

namespace Souk.Gateway.Routing;

/// <summary>
/// How the calls of an RPC are treated, from its option: checked at start, defaults filled in.
/// </summary>
internal sealed record Traffic
{
    private const uint DeadlineMsMax = 120_000;
    private const uint RateSecondsMax = 86_400;
    private const uint CacheSecondsMax = 86_400;

    private Traffic(string rpc, Options.V1.Traffic options, bool isSafe)
    {
        Require(options.DeadlineMs <= DeadlineMsMax, rpc, "deadline_ms");
        Deadline = options.DeadlineMs == 0 ? null : TimeSpan.FromMilliseconds(options.DeadlineMs);
        Priority = options.Priority switch
        {
            Priority.Unspecified when isSafe => Priority.Browse,
            Priority.Unspecified => Priority.Cart,
            var given => given,
        };
        if (options.Rate is { } rate)
        {
            Require(rate is { Calls: > 0, Seconds: > 0 and <= RateSecondsMax }, rpc, "rate");
            Rate = rate;
        }
        if (options.Cache is { } cache)
        {
            Require(isSafe && cache.MaxAgeSeconds <= CacheSecondsMax, rpc, "cache");
            Require(cache.GatewaySeconds <= CacheSecondsMax, rpc, "cache");
            Cache = cache;
            CacheControl = string.Create(
                CultureInfo.InvariantCulture,
                $"public, max-age={cache.MaxAgeSeconds}"
            );
        }
    }

    /// <summary>Longest call; null for what the gateway gives every call.</summary>
    public TimeSpan? Deadline { get; }

    /// <summary>Never unspecified.</summary>
    public Priority Priority { get; }

    /// <summary>Most calls by one caller; null for the general limits alone.</summary>
    public Rate? Rate { get; }

    /// <summary>How long replies may be remembered; null where the option says nothing.</summary>
    public Cache? Cache { get; }

    /// <summary>The header Cache-Control of a reply to nobody in particular.</summary>
    public string? CacheControl { get; }

    public static Traffic Of(MethodDescriptor method, bool isSafe) =>
        new(
            method.Name,
            method.GetOptions()?.GetExtension(OptionsExtensions.Traffic) ?? new Options.V1.Traffic(),
            isSafe
        );

    private static void Require(bool holds, string rpc, string member)
    {
        if (!holds)
            throw new InvalidOperationException($"{rpc} has a traffic.{member} out of its bounds.");
    }
}
