namespace Souk.Sidecar.Processes;

/// <summary>
/// Lets what waits for a socket go on where its bytes arrive, on as many threads as there are processors,
/// instead of waking a thread of the pool each time. The runtime only passes on what it is given, in small
/// steps, and never blocks; whether apps do, nobody knows, so they do not inherit it.
/// </summary>
internal static class SocketThreads
{
    // .NET has no other switch for it, and reads this one when the first socket is opened.
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    private static readonly string? Inherited = Environment.GetEnvironmentVariable(InlineCompletions);

    /// <summary>For the whole process; what its caller has set stays.</summary>
    public static void RunInline() => Environment.SetEnvironmentVariable(InlineCompletions, Inherited ?? "1");

    /// <summary>Gives an app the environment as it was.</summary>
    public static void Restore(IDictionary<string, string?> environment)
    {
        if (Inherited is null)
            environment.Remove(InlineCompletions);
    }
}
