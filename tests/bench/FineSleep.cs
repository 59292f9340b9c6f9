using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Souk.Bench;

/// <summary>
/// Sleeps that end when they should. .NET's timers read a clock that advances with the kernel's ticks, every
/// four milliseconds on most machines. A load that they start comes late and in bursts, and a call that takes
/// a quarter of a millisecond is measured as one of three.
/// </summary>
internal static partial class FineSleep
{
    private const int Monotonic = 1;
    private const int AbsoluteTime = 1;
    private const int SetTimerSlack = 29;
    private const int Interrupted = 4;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>
    /// Sets this thread's timer slack to the smallest: by default the kernel may delay a wake-up by 50
    /// microseconds to handle it together with others.
    /// </summary>
    public static void BePunctual()
    {
        if (Control(SetTimerSlack, 1) != 0)
            throw new InvalidOperationException("the kernel keeps its timer slack");
    }

    /// <summary>Holds the thread until an instant of <see cref="Stopwatch"/>, if that is not over.</summary>
    public static void Until(long due)
    {
        // On Linux Stopwatch counts nanoseconds of this very clock.
        var until = new TimeSpec(due / NanosecondsPerSecond, due % NanosecondsPerSecond);
        int error;
        do
        {
            error = Sleep(Monotonic, AbsoluteTime, until, 0);
        } while (error == Interrupted);
        if (error != 0)
            throw new InvalidOperationException($"clock_nanosleep failed: {error}");
    }

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Sleep(int clock, int flags, in TimeSpec until, nint left);

    [LibraryImport("libc", EntryPoint = "prctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int option, nuint value);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct TimeSpec(long Seconds, long Nanoseconds);
}
