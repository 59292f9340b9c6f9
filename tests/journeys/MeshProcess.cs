using System.Diagnostics;

namespace Souk.Tests.Journeys;

/// <summary>What to start and how.</summary>
internal sealed record ProcessPlan(
    string Name,
    IReadOnlyList<string> Command,
    string Directory,
    IReadOnlyDictionary<string, string> Environment
);

/// <summary>A process of the mesh, which can be killed and started again; its log outlives it.</summary>
internal sealed class MeshProcess(ProcessPlan plan, string logFile) : IDisposable
{
    // The shell gives way to the command, which so has its pid and writes to the log by itself.
    private const string Script = "exec \"$@\" >>\"$SOUK_TEST_LOG\" 2>&1";
    private Process? _process;

    internal string Name => plan.Name;

    internal bool IsRunning => _process is { HasExited: false };

    internal string Log => File.Exists(logFile) ? File.ReadAllText(logFile) : "";

    internal void Start()
    {
        if (IsRunning)
            return;
        _process?.Dispose();
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, "sh", .. plan.Command])
        {
            WorkingDirectory = plan.Directory,
            UseShellExecute = false,
        };
        // Settings of whoever runs the tests must not leak in.
        foreach (var name in start.Environment.Keys.Where(IsOurs).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in plan.Environment)
            start.Environment[name] = value;
        start.Environment["SOUK_TEST_LOG"] = logFile;
        _process =
            Process.Start(start) ?? throw new InvalidOperationException($"{plan.Name} does not start.");
    }

    /// <summary>SIGKILL; returns when the process is gone.</summary>
    internal async Task KillAsync()
    {
        if (_process is null)
            return;
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose() => _process?.Dispose();

    private static bool IsOurs(string name) =>
        name.StartsWith("SOUK_", StringComparison.Ordinal)
        || name.StartsWith("DAPR_", StringComparison.Ordinal);
}
