using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary><c>sidecar run</c> as a process: what the apps get, and how it all ends.</summary>
internal sealed class RunTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("souk-run-").FullName;

    [TearDown]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Run_App_GetsItsEnvironmentAndIsStoppedGently()
    {
        WriteRunFile(
            "echo ready $APP_ID $APP_CHANNEL_ADDRESS $APP_PORT $APP_PROTOCOL"
                + " $DAPR_HTTP_PORT $DAPR_GRPC_PORT $DAPR_METRICS_PORT $EXTRA $PARENT"
                + " [$DAPR_API_TOKEN] [$APP_API_TOKEN]"
                + " $(basename $PWD);"
                + " trap 'echo goodbye; exit 0' TERM; while true; do sleep 0.1; done"
        );
        await using var run = Run();
        run.Start(
            new Dictionary<string, string>
            {
                ["PARENT"] = "inherited",
                ["DAPR_API_TOKEN"] = "to-sidecar",
                ["APP_API_TOKEN"] = "to-app",
            }
        );
        await Eventually.ThatAsync(() => run.Output.Contains("ready"), "the app");
        Assert.That(
            run.Output,
            Does.Match(
                // Without a port of their own metrics are on the HTTP port.
                @"one +\| ready one 127\.0\.0\.1 4711 grpc (?<http>\d+) \d+ \k<http> more inherited "
                    + @"\[to-sidecar\] \[to-app\] "
                    + Path.GetFileName(_folder)
            )
        );
        Assert.That(Directory.GetFiles(PidFolder).Select(Path.GetFileName), Does.Contain("one.pid"));
        Assert.That(await run.TerminateAsync(), Is.Zero);
        await Eventually.ThatAsync(() => run.Output.Contains("goodbye"), "the app's last word");
        Assert.That(Directory.GetFiles(PidFolder), Is.Empty);
    }

    [Test]
    public async Task Run_AppExits_IsReportedAndTheOthersGoOn()
    {
        WriteRunFile("exit 3", "echo still here; sleep 60");
        await using var run = Run();
        run.Start();
        await Eventually.ThatAsync(() => run.Output.Contains("one exited with code 3"), "the report");
        Assert.That(run.HasExited, Is.False);
        Assert.That(await run.TerminateAsync(), Is.Zero);
    }

    [Test]
    public async Task Run_EveryAppExits_EndsUnlessASidecarIsThereWithoutAnApp()
    {
        WriteRunFile("exit 0");
        await using var alone = Run();
        alone.Start();
        Assert.That(await alone.ExitAsync(), Is.EqualTo(1));

        await File.AppendAllTextAsync(RunFilePath, "\n  - appID: bare\n    appDirPath: .\n");
        await using var beside = Run();
        beside.Start();
        await Eventually.ThatAsync(() => beside.Output.Contains("one exited with code 0"), "the app's end");
        await Task.Delay(TimeSpan.FromMilliseconds(300));
        Assert.That(beside.HasExited, Is.False);
        Assert.That(await beside.TerminateAsync(), Is.Zero);
    }

    [Test]
    public async Task Run_Only_StartsNoOtherApp()
    {
        WriteRunFile("echo first", "echo second; sleep 60");
        await using var run = Run("--only", "two");
        run.Start();
        await Eventually.ThatAsync(() => run.Output.Contains("| second"), "the app");
        Assert.That(run.Output, Does.Not.Contain("| first"));
    }

    [Test]
    public async Task Run_Mistake_IsOneLineAndCodeTwo()
    {
        await File.WriteAllTextAsync(RunFilePath, "version: 3\napps: []\n");
        await using var run = Run();
        run.Start();
        await run.AssertRefusesAsync($"sidecar: {RunFilePath}:1: version must be 1");
    }

    [Test]
    public async Task Run_NoApps_HostsTheSidecarsOnly()
    {
        WriteRunFile("echo never");
        await using var run = Run("--no-apps");
        run.Start();
        await Eventually.ThatAsync(() => run.Output.Contains("Sidecar of one"), "the sidecar");
        Assert.That(await run.TerminateAsync(), Is.Zero);
        Assert.That(run.Output, Does.Not.Contain("never"));
    }

    [Test]
    public async Task Run_NoTokensInTheEnvironment_GivesNone()
    {
        WriteRunFile("echo ready [$DAPR_API_TOKEN] [$APP_API_TOKEN]; sleep 60");
        await using var run = Run();
        run.Start();
        await Eventually.ThatAsync(() => run.Output.Contains("| ready [] []"), "the app");
        Assert.That(await run.TerminateAsync(), Is.Zero);
    }

    [Test]
    public async Task Run_MetricsPort_IsTheAppsVariableAndServed()
    {
        WriteRunFile("echo ready $DAPR_METRICS_PORT $DAPR_HTTP_PORT; sleep 60");
        var port = FreePorts.One();
        var text = await File.ReadAllTextAsync(RunFilePath);
        await File.WriteAllTextAsync(
            RunFilePath,
            text.Replace("appPort: 4711", $"appPort: 4711\n    metricsPort: {port}")
        );
        await using var run = Run();
        run.Start();
        await Eventually.ThatAsync(() => run.Output.Contains($"| ready {port} "), "the app");
        Assert.That(run.Output, Does.Not.Match($@"ready {port} {port}\b"));
        using var http = new HttpClient();
        Assert.That(
            await http.GetStringAsync($"http://127.0.0.1:{port}/metrics"),
            Does.Contain("{app_id=\"one\"}")
        );
        Assert.That(await run.TerminateAsync(), Is.Zero);
    }

    // A mistake in a file tells that it is read.
    [TestCase("components/broken.yaml")]
    [TestCase("config.yaml")]
    public async Task Run_NothingOfItsOwn_TakesTheHomeFolders(string name)
    {
        var file = Path.Combine(_folder, "home", ".dapr", name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, "kind: [\n");
        WriteRunFile("echo never");
        await using var run = Run();
        run.Start(new Dictionary<string, string> { ["HOME"] = Path.Combine(_folder, "home") });
        Assert.That(await run.ExitAsync(), Is.EqualTo(2));
        await Eventually.ThatAsync(() => run.Output.Contains($"sidecar: {file}:"), "the message");
    }

    [Test]
    public async Task Run_CommonFiles_WinOverTheHomeFolders()
    {
        foreach (var name in new[] { "home/.dapr/components/broken.yaml", "home/.dapr/config.yaml" })
        {
            var file = Path.Combine(_folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, "kind: [\n");
        }
        Directory.CreateDirectory(Path.Combine(_folder, "home", "ours"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "config.yaml"), "kind: Configuration\n");
        // The tilde is the same home.
        WriteRunFile("echo up; sleep 60");
        var text = await File.ReadAllTextAsync(RunFilePath);
        await File.WriteAllTextAsync(
            RunFilePath,
            text.Replace("grpc }", "grpc, resourcesPath: ~/ours, configFilePath: ./config.yaml }")
        );
        await using var run = Run();
        run.Start(new Dictionary<string, string> { ["HOME"] = Path.Combine(_folder, "home") });
        await Eventually.ThatAsync(() => run.Output.Contains("| up"), "the app");
        Assert.That(await run.TerminateAsync(), Is.Zero);
    }

    private string RunFilePath => Path.Combine(_folder, "dapr.yaml");

    private string PidFolder => Path.Combine(_folder, "pids");

    private KillableProcess Run(params string[] more) =>
        new("dotnet", [SidecarProcess.Program, "run", "-f", RunFilePath, "--pid-dir", PidFolder, .. more]);

    private void WriteRunFile(params string[] scripts)
    {
        string[] names = ["one", "two"];
        var apps = scripts.Select(
            (script, i) =>
                $"""
                      - appID: {names[i]}
                        appDirPath: .
                        appPort: {4711 + i}
                        command: ["sh", "-c", {System.Text.Json.JsonSerializer.Serialize(script)}]
                        env: {"{ EXTRA: more }"}

                    """
        );
        var text = "version: 1\ncommon: { appProtocol: grpc }\napps:\n" + string.Concat(apps);
        File.WriteAllText(RunFilePath, text);
    }
}
