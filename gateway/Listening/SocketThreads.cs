using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Souk.Gateway.Listening;

/// <summary>
/// Lets a connection's work run on the thread that heard of its bytes, on its way in and out, instead of
/// handing it to the thread pool each time: a request is many small steps, and to wake another thread for one
/// costs more than most of them. It takes code that never blocks, which is all that the gateway has; what
/// computes for long, rendering and compressing a service's answer, runs on the pool, where whoever waits for
/// an answer goes on.
/// </summary>
internal static class SocketThreads
{
    // The runtime has no other switch for it, and reads this one when the first socket is opened.
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>For the whole process, sockets to the sidecar included; what is set already stays.</summary>
    public static void RunInline()
    {
        if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
    }

    /// <summary>For the connections that are accepted.</summary>
    public static void RunInline(SocketTransportOptions options)
    {
        options.UnsafePreferInlineScheduling = true;
        // Reads at once, into 4 KiB that a silent connection then holds, instead of asking first.
        options.WaitForDataBeforeAllocatingBuffer = false;
    }
}
