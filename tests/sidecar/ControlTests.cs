using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary><c>list</c>, <c>status</c>, <c>stop</c>, orphans and logs of <c>sidecar run</c>, as
/// processes.</summary>
internal sealed class ControlTests
{
    private const string Patient = "trap 'exit 0' TERM; echo up; while true; do sleep 0.1; done";

    private readonly int _httpPort = FreePorts.One();
    private string _folder = "";

    private string RunFilePath => Path.Combine(_folder, "dapr.yaml");

    private string PidFolder => Path.Combine(_folder, ".dapr", "run");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("souk-control-").FullName;

    [TearDown]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task List_Running_ShowsEveryAppByDaprsNames()
    {
        WriteRunFile(Patient);
        await using var run = await UpAsync();
        var (code, table) = await SidecarAsync("list");
        Assert.That(code, Is.Zero);
        Assert.That(table, Does.Match($@"APP ID +HTTP PORT .*\none +{_httpPort} +\d+ +0 +\d+ +sh -c trap"));
        var json = JsonDocument.Parse((await SidecarAsync("list", "-o", "json")).Output).RootElement[0];
        Assert.That(json.GetProperty("appId").GetString(), Is.EqualTo("one"));
        Assert.That(json.GetProperty("httpPort").GetInt32(), Is.EqualTo(_httpPort));
        Assert.That(json.GetProperty("appPid").GetInt32(), Is.EqualTo(AppPid()));
    }

    [Test]
    public async Task Status_RunningAndNot_TellsByWordAndExitCode()
    {
        WriteRunFile(Patient);
        Assert.That(await SidecarAsync("status"), Is.EqualTo((1, "nothing runs\n")));
        await using var run = await UpAsync();
        // A sidecar that does not answer within two seconds is not ready, on a machine that stalls.
        var expected = (0, $"one              ready      process {AppPid()}\n");
        await Eventually.ThatAsync(async () => await SidecarAsync("status", "one") == expected, "the status");
        Assert.That((await SidecarAsync("status", "other")).Code, Is.EqualTo(2));
    }

    [Test]
    public async Task Stop_Run_EndsAppsAndSidecars()
    {
        WriteRunFile(Patient);
        await using var run = await UpAsync();
        var app = AppPid();
        Assert.That((await SidecarAsync("stop")).Code, Is.Zero);
        Assert.That(await run.ExitAsync(), Is.Zero);
        Assert.That(IsAlive(app), Is.False);
        Assert.That(await SidecarAsync("stop"), Is.EqualTo((0, "nothing runs\n")));
    }

    [Test]
    public async Task Stop_OneApp_LeavesTheOthers()
    {
        WriteRunFile(Patient, Patient);
        await using var run = await UpAsync("--restart");
        await Eventually.ThatAsync(() => run.Output.Contains("two       | up"), "the other");
        Assert.That((await SidecarAsync("stop", "one")).Code, Is.Zero);
        await Eventually.ThatAsync(() => run.Output.Contains("one exited"), "its end");
        await Eventually.ThatAsync(
            async () => (await SidecarAsync("status", "two")).Output.Contains("ready      process"),
            "the other to be ready"
        );
        Assert.That(run.HasExited, Is.False);
    }

    [TestCase("frob --now", "sidecar: 'frob' is no command.")]
    [TestCase("list -f nowhere.yaml", "sidecar: nowhere.yaml: no such run file")]
    [TestCase("list -o xml", "sidecar: --output must be table or json, not 'xml'")]
    public async Task Command_ThatMakesNoSense_ExitsWithOneLineThatSaysWhy(string arguments, string why)
    {
        await using var sidecar = new KillableProcess(
            "dotnet",
            [SidecarProcess.Program, .. arguments.Split(' ')]
        );
        sidecar.Start();
        await sidecar.AssertRefusesAsync(why);
    }

    [Test]
    public async Task Run_Twice_IsRefusedByTheFirst()
    {
        WriteRunFile(Patient);
        await using var run = await UpAsync();
        await using var second = Run();
        second.Start();
        Assert.That(await second.ExitAsync(), Is.EqualTo(2));
        await Eventually.ThatAsync(() => second.Output.Contains("runs this already"), "the reason");
    }

    [Test]
    public async Task KillOrphans_RuntimeWasKilled_EndsItsAppsAndNothingElse()
    {
        WriteRunFile(Patient);
        int orphan;
        using var stranger = Process.Start("sleep", "600");
        await using (var first = Run())
        {
            first.Start();
            await Eventually.ThatAsync(() => first.Output.Contains("| up"), "the app");
            orphan = AppPid();
            await first.KillAloneAsync();
        }
        Assert.That(IsAlive(orphan), Is.True);
        // The number of a process that is not ours, as after the machine used it anew.
        var pidFile = Path.Combine(PidFolder, "two.pid");
        await File.WriteAllTextAsync(pidFile, $"{stranger.Id}\n1\n");

        await using var refused = Run();
        refused.Start();
        Assert.That(await refused.ExitAsync(), Is.EqualTo(2));
        await Eventually.ThatAsync(
            () => refused.Output.Contains($"processes behind ({orphan}"),
            "the reason"
        );

        await using var next = await UpAsync("--kill-orphans");
        Assert.That(IsAlive(orphan), Is.False);
        Assert.That(stranger.HasExited, Is.False);
        stranger.Kill();
    }

    [Test]
    public async Task Run_LogDestinations_GoToFileAndConsole()
    {
        WriteRunFile("echo to both; sleep 60");
        await using var run = Run();
        run.Start();
        await Eventually.ThatAsync(() => run.Output.Contains("| to both"), "the console");
        var files = Directory.GetFiles(Path.Combine(_folder, ".dapr", "logs"), "one_app_*.log");
        Assert.That(files, Has.Length.EqualTo(1));
        await Eventually.ThatAsync(
            async () => await File.ReadAllTextAsync(files[0]) == "to both\n",
            "the file"
        );
        Assert.That(run.Output, Does.Not.Contain("\e["), "no colours in a pipe");
    }

    [Test]
    public async Task Run_OnATerminal_GivesEachAppsPrefixAColourOfItsOwn()
    {
        var screen = await OnATerminalAsync(noColor: "");
        var colours = new[] { "one", "two" }.Select(app =>
            Regex.Match(screen, $@"\e\[(\d+)m{app} +\| \e\[0mup").Groups[1].Value
        );
        Assert.That(colours, Is.Unique.And.None.Empty, screen);
    }

    [Test]
    public async Task Run_OnATerminalOfOneWhoWantsNoColour_HasNone()
    {
        var screen = await OnATerminalAsync(noColor: "1");
        Assert.That(screen, Does.Match(@"one +\| up").And.Match(@"two +\| up"));
        Assert.That(screen, Does.Not.Match(@"\e\[[\d;]*m"));
    }

    [Test]
    public async Task Run_PortTaken_NamesFileLineAndField()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, _httpPort);
        taken.Start();
        WriteRunFile(Patient);
        await using var run = Run();
        run.Start();
        await run.AssertRefusesAsync(
            $"sidecar: {RunFilePath}:6: apps[0].daprHTTPPort is {_httpPort}, which another"
        );
    }

    private async Task<KillableProcess> UpAsync(params string[] more)
    {
        var run = Run(more);
        run.Start();
        await Eventually.ThatAsync(() => run.Output.Contains("one       | up"), "the app");
        return run;
    }

    /// <summary>What a run of two apps shows to who sits before it.</summary>
    private async Task<string> OnATerminalAsync(string noColor)
    {
        WriteRunFile(Patient, Patient);
        var command = $"dotnet '{SidecarProcess.Program}' run -f '{RunFilePath}'";
        await using var terminal = new KillableProcess(
            Programs.Require("script"),
            "-qec",
            command,
            "/dev/null"
        );
        terminal.Start(new Dictionary<string, string> { ["NO_COLOR"] = noColor });
        await Eventually.ThatAsync(() => Regex.Count(terminal.Output, @"\| (\e\[0m)?up\b") == 2, "both apps");
        Assert.That((await SidecarAsync("stop")).Code, Is.Zero);
        Assert.That(await terminal.ExitAsync(), Is.Zero);
        return terminal.Output;
    }

    private KillableProcess Run(params string[] more) =>
        new("dotnet", [SidecarProcess.Program, "run", "-f", RunFilePath, .. more]);

    private async Task<(int Code, string Output)> SidecarAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [SidecarProcess.Program, arguments[0], "-f", RunFilePath, .. arguments[1..]]
        )
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }

    private int AppPid() =>
        int.Parse(File.ReadLines(Path.Combine(PidFolder, "one.pid")).First(), CultureInfo.InvariantCulture);

    // A killed child of nobody may stay as a zombie, which is as dead.
    private static bool IsAlive(int pid) =>
        File.Exists($"/proc/{pid}/stat") && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ");

    private void WriteRunFile(params string[] scripts)
    {
        string[] names = ["one", "two"];
        int[] ports = [_httpPort, 0];
        var apps = scripts.Select(
            (script, i) =>
                $"""
                      - appID: {names[i]}
                        appDirPath: .
                        daprHTTPPort: {ports[i]}
                        command: ["sh", "-c", {JsonSerializer.Serialize(script)}]

                    """
        );
        File.WriteAllText(
            RunFilePath,
            "version: 1\ncommon: { appProtocol: grpc }\napps:\n" + string.Concat(apps)
        );
    }
}
