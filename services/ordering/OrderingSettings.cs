namespace Souk.Ordering;

/// <summary>What ordering alone is told from outside.</summary>
/// <param name="GraceSeconds">ORD-18: how long a buyer may cancel before anything is taken. Off by
/// default.</param>
internal sealed record OrderingSettings(int GraceSeconds)
{
    private const int GraceSecondsMax = 300;

    public static OrderingSettings FromEnvironment() =>
        new(Env.Int("SOUK_ORDERING_GRACE_SECONDS", 0, 0, GraceSecondsMax));
}
