using System.ComponentModel;
using System.Diagnostics;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>
/// Programs of the system that tests use. Where one is missing its tests are ignored on a desk and fail on
/// CI.
/// </summary>
internal static class SystemProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program and returns what it printed; fails the test when the program does.</summary>
    internal static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var (code, output, errors) = await TryRunAsync(program, arguments);
        if (code != 0)
            Assert.Fail($"{program} {string.Join(' ', arguments)} ended with {code}\n{output}\n{errors}");
        return output;
    }

    /// <summary>Runs a program to its end, whatever that is.</summary>
    internal static async Task<(int Code, string Output, string Errors)> TryRunAsync(
        string program,
        params string[] arguments
    )
    {
        using var timeout = new CancellationTokenSource(Patience);
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var errors = process.StandardError.ReadToEndAsync(timeout.Token);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
            return (process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(true);
            throw;
        }
    }

    /// <summary>Says that something is missing: no reason to fail, except where it has to be there.</summary>
    internal static void Missing(string message)
    {
        if (Env.Flag("CI", false))
            Assert.Fail(message);
        Assert.Ignore(message);
    }

    private static Process Start(string program, string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            };
            return Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start.");
        }
        catch (Win32Exception)
        {
            Missing($"{program} is not installed: make test as root installs it by apt-get.");
            throw;
        }
    }
}
