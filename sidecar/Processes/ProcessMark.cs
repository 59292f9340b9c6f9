using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Souk.Sidecar.Processes;

/// <summary>
/// A process as it is known again later. Ids are used anew; an id together with the instant of its start is
/// not.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly partial record struct ProcessMark(int Pid, long Started)
{
    private const int SigTerm = 15;

    /// <summary>Null when there is no such process, or it has ended and only waits to be noticed.</summary>
    public static ProcessMark? Of(int pid) =>
        StartOf(pid) is { } started ? new ProcessMark(pid, started) : null;

    public bool IsAlive => Of(Pid) == this;

    /// <summary>Every process that was started with this variable, or by one that was; none where the system
    /// does not tell.</summary>
    public static IReadOnlyList<ProcessMark> With(string variable, string value)
    {
        if (!Directory.Exists("/proc/self"))
            return [];
        var wanted = $"{variable}={value}";
        return
        [
            .. Directory
                .EnumerateDirectories("/proc")
                .Select(Path.GetFileName)
                .Select(name => int.TryParse(name, CultureInfo.InvariantCulture, out var pid) ? pid : 0)
                .Where(pid => pid > 0 && pid != Environment.ProcessId && IsStartedWith(pid, wanted))
                .Select(Of)
                .OfType<ProcessMark>(),
        ];
    }

    /// <summary>Asks it to end; .NET by itself can only kill outright.</summary>
    public void Terminate()
    {
        if (IsAlive)
            _ = Kill(Pid, SigTerm);
    }

    public void KillOutright()
    {
        if (!IsAlive)
            return;
        try
        {
            using var process = Process.GetProcessById(Pid);
            process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It ended by itself meanwhile, which is what was wanted.
        }
    }

    /// <summary>Waits until it is gone; false when it still lives after that time.</summary>
    public async Task<bool> UntilGoneAsync(TimeSpan patience, TimeProvider clock)
    {
        using var limit = new CancellationTokenSource(patience, clock);
        while (IsAlive)
        {
            if (limit.IsCancellationRequested)
                return false;
            await Task.Delay(TimeSpan.FromMilliseconds(50), clock);
        }
        return true;
    }

    private static long? StartOf(int pid)
    {
        try
        {
            if (!Directory.Exists("/proc/self"))
            {
                using var process = Process.GetProcessById(pid);
                return process.StartTime.Ticks;
            }
            // "pid (name) state ppid …", where a name may hold anything; the 22nd field is the start.
            var text = File.ReadAllText($"/proc/{pid}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] == "Z" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsStartedWith(int pid, string wanted)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/environ").Split('\0').Contains(wanted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone, or somebody else's: not one of ours.
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int pid, int signal);
}
