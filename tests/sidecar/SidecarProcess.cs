using System.Diagnostics;
using System.Text;
using Grpc.Net.Client;
using Souk.Sidecar.Redis;
using Souk.Tests.Harness;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Tests.Sidecar;

/// <summary>A program that a test may kill at any moment and start again, with the same arguments.</summary>
internal sealed class KillableProcess(string program, params string[] arguments) : IAsyncDisposable
{
    private readonly StringBuilder _output = new();
    private Process? _process;

    internal string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    internal double ResidentMiB
    {
        get
        {
            _process?.Refresh();
            return (_process?.WorkingSet64 ?? 0) / (1024.0 * 1024);
        }
    }

    internal bool HasExited => _process?.HasExited ?? true;

    internal void Start(IReadOnlyDictionary<string, string>? environment = null)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            // The terminal of who runs the tests is not theirs.
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            info.Environment[name] = value;
        _process = Process.Start(info) ?? throw new InvalidOperationException($"{program} did not start");
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>As kill -9 does: nothing is finished, nothing is said.</summary>
    internal Task KillAsync() => KillAsync(entireProcessTree: true);

    /// <summary>The process only: what it started lives on.</summary>
    internal Task KillAloneAsync() => KillAsync(entireProcessTree: false);

    // From both streams at once, on two threads.
    private void Take(string? line)
    {
        lock (_output)
            _output.Append(line).Append('\n');
    }

    private async Task KillAsync(bool entireProcessTree)
    {
        if (_process is null)
            return;
        _process.Kill(entireProcessTree);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Asks to end, and waits for it.</summary>
    internal async Task<int> TerminateAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{_process?.Id}"]))
            await kill.WaitForExitAsync();
        return await ExitAsync();
    }

    internal async Task<int> ExitAsync()
    {
        var process = _process ?? throw new InvalidOperationException($"{program} does not run");
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));
        return process.ExitCode;
    }

    /// <summary>It ends by itself, with nothing but one line that says why.</summary>
    internal async Task AssertRefusesAsync(string start, string problem = "")
    {
        Assert.That(await ExitAsync(), Is.EqualTo(2));
        await Eventually.ThatAsync(() => Output.Contains(start) && Output.Contains(problem), start + problem);
        var line = Output.Trim();
        Assert.That(line, Does.StartWith(start));
        Assert.That(line.Split('\n'), Has.Length.EqualTo(1));
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}

/// <summary>One sidecar as a process of its own, as <c>sidecar serve</c> starts it.</summary>
internal sealed class SidecarProcess : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-sidecar-").FullName;
    private readonly KillableProcess _process;
    private readonly GrpcChannel _channel;

    private SidecarProcess(string components, string appId, int appPort, string protocol, string[] flags)
    {
        File.WriteAllText(Path.Combine(_folder, "components.yaml"), components);
        _process = new KillableProcess(
            "dotnet",
            [
                Program,
                "serve",
                "--app-id",
                appId,
                "--app-port",
                $"{appPort}",
                "--app-protocol",
                protocol,
                "--dapr-grpc-port",
                $"{GrpcPort}",
                "--dapr-http-port",
                $"{HttpPort}",
                "--resources-path",
                _folder,
                .. flags,
            ]
        );
        // A sidecar that was killed is back as soon as it listens.
        _channel = GrpcChannel.ForAddress(
            $"http://127.0.0.1:{GrpcPort}",
            new GrpcChannelOptions { MaxReconnectBackoff = TimeSpan.FromMilliseconds(200) }
        );
    }

    internal static string Program =>
        GivenSidecar.IsThere
            ? throw GivenSidecar.Unfit("a process of its own")
            : Path.Combine(AppContext.BaseDirectory, "sidecar.dll");

    internal double ResidentMiB => _process.ResidentMiB;

    internal string Output => _process.Output;

    internal int GrpcPort { get; } = FreePorts.One();

    internal int HttpPort { get; } = FreePorts.One();

    internal GrpcChannel Channel => _channel;

    internal DaprApi.DaprClient Client => new(_channel);

    internal static async Task<SidecarProcess> StartAsync(
        string components,
        string appId,
        int appPort = 0,
        string protocol = "grpc",
        params string[] flags
    )
    {
        var sidecar = new SidecarProcess(components, appId, appPort, protocol, flags);
        await sidecar.StartAsync();
        return sidecar;
    }

    /// <summary>Starts the process, and waits until its API answers.</summary>
    internal async Task StartAsync()
    {
        _process.Start();
        await Ports.UntilOpenAsync(GrpcPort);
    }

    internal Task KillAsync() => _process.KillAsync();

    /// <summary>Asks it to end; the exit code comes when it has.</summary>
    internal Task<int> TerminateAsync() => _process.TerminateAsync();

    internal Task<int> ExitAsync() => _process.ExitAsync();

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A Redis of the test's own, which keeps what it acknowledged.</summary>
internal sealed class RedisProcess : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-redis-").FullName;
    private readonly KillableProcess _process;

    private RedisProcess() =>
        _process = new KillableProcess(
            "redis-server",
            [
                "--port",
                $"{Port}",
                "--bind",
                "127.0.0.1",
                "--dir",
                _folder,
                "--appendonly",
                "yes",
                "--save",
                "",
            ]
        );

    internal int Port { get; } = FreePorts.One();

    internal static async Task<RedisProcess> StartAsync()
    {
        // Only where the backends are: a desk without them has no redis-server either.
        _ = Backends.Redis;
        var redis = new RedisProcess();
        await redis.StartAgainAsync();
        return redis;
    }

    internal async Task StartAgainAsync()
    {
        _process.Start();
        await Ports.UntilOpenAsync(Port);
    }

    /// <summary>Asks this Redis itself.</summary>
    internal async Task<RespValue> ExecuteAsync(params RedisArg[] command)
    {
        var options = new RedisOptions("127.0.0.1", Port);
        await using var redis = new RedisClient(options, options.ReadTimeout, TimeProvider.System);
        return await redis.ExecuteAsync(command, CancellationToken.None);
    }

    internal Task KillAsync() => _process.KillAsync();

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
