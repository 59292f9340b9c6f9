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

    /// <summary>
    /// For a program that works on this set, which is private although the environment names the other tests'
    /// servers.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings =>
        new Dictionary<string, string>
        {
            ["SOUK_SET"] = _name,
            ["SOUK_POSTGRES"] = "",
            ["SOUK_REDIS"] = "",
            ["SOUK_WORKFLOWSTORE"] = "",
        };

    /// <summary>
    /// A set of which nothing runs yet; ignored where tests run on servers that somebody else owns.
    /// </summary>
    public static BackendSet Of(string name)
    {
        var script = Environment.GetEnvironmentVariable("SOUK_BACKENDS");
        if (script is null)
            Assert.Ignore("SOUK_BACKENDS is not set: `make test` sets it to scripts/backends.sh.");
        return new BackendSet(script, $"{name}-{Environment.ProcessId}");
    }

    /// <summary>Starts a fresh set.</summary>
    public static async Task<BackendSet> StartAsync(string name)
    {
        var set = Of(name);
        await set.StartAsync();
        return set;
    }

    /// <summary>The path of a script beside the set's own.</summary>
    public string Script(string name) => Path.Combine(Path.GetDirectoryName(_script) ?? "", name);

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
        foreach (var (name, value) in Settings)
            start.Environment[name] = value;
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
