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
            "echo ready $APP_ID $APP_PORT $APP_PROTOCOL $DAPR_HTTP_PORT $DAPR_GRPC_PORT $EXTRA $PARENT"
                + " $(basename $PWD) [$DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS];"
                + " trap 'echo goodbye; exit 0' TERM; while true; do sleep 0.1; done"
        );
        await using var run = Run();
        run.Start(new Dictionary<string, string> { ["PARENT"] = "inherited" });
        await Eventually.ThatAsync(() => Task.FromResult(run.Output.Contains("ready")), "the app");
        Assert.That(
            run.Output,
            Does.Match(
                @"one +\| ready one 4711 grpc \d+ \d+ more inherited "
                    + Path.GetFileName(_folder)
                    // How the runtime uses threads is its own business.
                    + @" \[\]"
            )
        );
        Assert.That(Directory.GetFiles(PidFolder).Select(Path.GetFileName), Does.Contain("one.pid"));
        Assert.That(await run.TerminateAsync(), Is.Zero);
        await Eventually.ThatAsync(
            () => Task.FromResult(run.Output.Contains("goodbye")),
            "the app's last word"
        );
        Assert.That(Directory.GetFiles(PidFolder), Is.Empty);
    }

    [Test]
    public async Task Run_AppExits_IsReportedAndTheOthersGoOn()
    {
        WriteRunFile("exit 3", "echo still here; sleep 60");
        await using var run = Run();
        run.Start();
        await Eventually.ThatAsync(
            () => Task.FromResult(run.Output.Contains("one exited with code 3")),
            "the report"
        );
        Assert.That(run.HasExited, Is.False);
        Assert.That(await run.TerminateAsync(), Is.Zero);
    }

    [Test]
    public async Task Run_Only_StartsNoOtherApp()
    {
        WriteRunFile("echo first", "echo second; sleep 60");
        await using var run = Run("--only", "two");
        run.Start();
        await Eventually.ThatAsync(() => Task.FromResult(run.Output.Contains("| second")), "the app");
        Assert.That(run.Output, Does.Not.Contain("| first"));
    }

    [Test]
    public async Task Run_Mistake_IsOneLineAndCodeTwo()
    {
        await File.WriteAllTextAsync(RunFilePath, "version: 3\napps: []\n");
        await using var run = Run();
        run.Start();
        Assert.That(await run.ExitAsync(), Is.EqualTo(2));
        await Eventually.ThatAsync(
            () => Task.FromResult(run.Output.Contains($"sidecar: {RunFilePath}:1: version must be 1")),
            "the message"
        );
        Assert.That(run.Output, Does.Not.Contain("   at "));
    }

    [Test]
    public async Task Run_NoApps_HostsTheSidecarsOnly()
    {
        WriteRunFile("echo never");
        await using var run = Run("--no-apps");
        run.Start();
        await Eventually.ThatAsync(
            () => Task.FromResult(run.Output.Contains("Sidecar of one")),
            "the sidecar"
        );
        Assert.That(await run.TerminateAsync(), Is.Zero);
        Assert.That(run.Output, Does.Not.Contain("never"));
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
