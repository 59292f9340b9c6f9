using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>
/// A small npm package under tests/, whose scripts test us with programs that others wrote. It is installed
/// once per lock file, under .run/node/; where Node or its registry is missing, its tests are ignored on a
/// desk and fail on CI.
/// </summary>
internal sealed class NodePackage
{
    private const int NodeMajorMin = 20;
    private static readonly TimeSpan InstallTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ScriptTimeout = TimeSpan.FromMinutes(4);
    private static readonly SemaphoreSlim Installing = new(1);

    private readonly string _source;
    private readonly string _home;

    private NodePackage(string source, string home)
    {
        _source = source;
        _home = home;
    }

    /// <summary>The package in a folder of the repository, such as tests/gateway/js, ready to run.</summary>
    public static async Task<NodePackage> OpenAsync(string folder)
    {
        var source = Path.Combine(Repository.Root, folder);
        var locked = await File.ReadAllBytesAsync(Path.Combine(source, "package-lock.json"));
        var version = Convert.ToHexStringLower(SHA256.HashData(locked))[..12];
        var name = $"{folder.Replace('/', '-')}-{version}";
        var home = Path.Combine(Repository.Root, ".run", "node", name);
        var package = new NodePackage(source, home);
        await Installing.WaitAsync();
        try
        {
            await RequireNodeAsync();
            if (!Directory.Exists(home))
                await package.InstallAsync();
            package.CopyFiles(home);
        }
        finally
        {
            Installing.Release();
        }
        return package;
    }

    /// <summary>
    /// Runs one of its scripts and returns what it printed; fails the test when the script does.
    /// </summary>
    public async Task<string> RunAsync(string script, params string[] arguments)
    {
        var run = await RunAsync("node", _home, ScriptTimeout, [script, .. arguments]);
        if (run.Code != 0)
            Assert.Fail($"{script} {string.Join(' ', arguments)}\n{run.Output}\n{run.Errors}");
        return run.Output;
    }

    /// <summary>
    /// Starts one of its scripts for a conversation; the caller ends the process and reads its output.
    /// </summary>
    public Process Start(string script, params string[] arguments) =>
        Start("node", _home, [script, .. arguments]);

    private static async Task RequireNodeAsync()
    {
        Run run;
        try
        {
            run = await RunAsync("node", Repository.Root, ScriptTimeout, "--version");
            await RunAsync("npm", Repository.Root, ScriptTimeout, "--version");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Missing($"Node {NodeMajorMin} with npm is not installed: apt-get install nodejs npm.");
            return;
        }
        var text = run.Output.Trim().TrimStart('v');
        if (!Version.TryParse(text, out var version) || version.Major < NodeMajorMin)
            Missing($"Node {NodeMajorMin} or newer is needed, here is {text}.");
    }

    // Made beside its place and then renamed: an interrupted install is never taken for a whole one.
    private async Task InstallAsync()
    {
        var fresh = $"{_home}.{Environment.ProcessId}";
        CopyFiles(fresh);
        var run = await RunAsync("npm", fresh, InstallTimeout, "ci", "--no-audit", "--no-fund");
        if (run.Code != 0)
        {
            Directory.Delete(fresh, true);
            Missing($"npm ci of {_source} failed:\n{run.Errors}");
        }
        Directory.Move(fresh, _home);
    }

    // Scripts run beside the installed modules, because imports are looked up from a file's own folder.
    private void CopyFiles(string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(_source))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), true);
    }

    private static void Missing(string message)
    {
        if (Env.Flag("CI", false))
            Assert.Fail(message);
        Assert.Ignore(message);
    }

    private static async Task<Run> RunAsync(
        string program,
        string folder,
        TimeSpan limit,
        params string[] arguments
    )
    {
        using var process = Start(program, folder, arguments);
        using var timeout = new CancellationTokenSource(limit);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var errors = process.StandardError.ReadToEndAsync(timeout.Token);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
            return new Run(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(true);
            var command = $"{program} {string.Join(' ', arguments)}";
            throw new TimeoutException($"{command} took longer than {limit}.", e);
        }
    }

    private static Process Start(string program, string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            StandardOutputEncoding = Encoding.UTF8,
        };
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start.");
    }

    private sealed record Run(int Code, string Output, string Errors);
}
