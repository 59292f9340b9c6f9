namespace Souk.Gateway.Http;

/// <summary>People in log lines: enough to follow one of them, not enough to name them .</summary>
internal static class Masked
{
    private const int Kept = 6;

    /// <summary>"user_…2a9f31" for a user's id; a dash for nobody.</summary>
    public static string User(string userId)
    {
        if (userId.Length == 0)
            return "-";
        var prefix = userId.AsSpan(0, userId.IndexOf('_') + 1);
        var rest = userId.AsSpan(prefix.Length);
        return rest.Length <= Kept ? userId : $"{prefix}\u2026{rest[^Kept..]}";
    }
}
