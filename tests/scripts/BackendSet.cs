using System.Diagnostics;

namespace Souk.Tests.Scripts;

/// <summary>
/// PostgreSQL and Redis of a test's own, started, killed and deleted by scripts/backends.sh: killing the
/// ones that all tests share would fail the others.
/// </summary>
internal sealed class BackendSet : IAsyncDisposable
{
    private static readonly TimeSpan ScriptTimeout = TimeSpan.FromMinutes(2);
    private readonly string _script;
    private readonly string _name;

    private BackendSet(string script, string name)
    {
        _script = script;
        _name = name;
    }

    public Uri Postgres { get; private set; } = new("postgres://unknown");

    /// <summary>Redis as host:port.</summary>
    public string Redis { get; private set; } = "";

    /// <summary>Starts a fresh set; ignored where tests run on servers that somebody else owns.</summary>
    public static async Task<BackendSet> StartAsync(string name)
    {
        var script = Environment.GetEnvironmentVariable("SOUK_BACKENDS");
        if (script is null)
            Assert.Ignore("SOUK_BACKENDS is not set: `make test` sets it to scripts/backends.sh.");
        var set = new BackendSet(script, $"{name}-{Environment.ProcessId}");
        await set.StartAsync();
        return set;
    }

    /// <summary>Starts what is not running; ports are kept.</summary>
    public async Task StartAsync()
    {
        await RunAsync("start");
        var settings = (await RunAsync("env"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line["export ".Length..].Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        Postgres = new Uri(settings["SOUK_POSTGRES"]);
        Redis = settings["SOUK_REDIS"];
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync(string backend) => RunAsync("kill", backend);

    public async ValueTask DisposeAsync() => await RunAsync("destroy");

    private async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(_script, arguments)
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            RedirectStandardError = true,
        };
        start.Environment["SOUK_SET"] = _name;
        // The set shall be private although the other tests' servers are in the environment.
        start.Environment.Remove("SOUK_POSTGRES");
        start.Environment.Remove("SOUK_REDIS");
        using var process =
            Process.Start(start) ?? throw new InvalidOperationException($"{_script} does not start.");
        using var timeout = new CancellationTokenSource(ScriptTimeout);
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var errors = process.StandardError.ReadToEndAsync(timeout.Token);
        await process.WaitForExitAsync(timeout.Token);
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{string.Join(' ', arguments)}: {await errors}");
    }
}
