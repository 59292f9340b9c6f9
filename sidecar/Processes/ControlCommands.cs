using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Processes;

/// <summary><c>sidecar list</c>, <c>status</c> and <c>stop</c>: a run seen from outside.</summary>
internal static class ControlCommands
{
    // The runtime gives its apps ten seconds; what has not ended by then it kills.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(25);

    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(2);

    private static readonly Option<string> Output = new("--output", "-o") { Description = "table or json" };

    private static readonly Argument<string[]> AppIds = new("app-id")
    {
        Description = "Only these apps; all when none is named",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static IEnumerable<Command> Create()
    {
        yield return Make("list", "List the apps of a run", ListAsync, Output);
        yield return Make(
            "status",
            "Ask every sidecar of a run how it is; 0 when all are ready",
            StatusAsync
        );
        yield return Make("stop", "Stop a run, or some of its apps", StopAsync);
    }

    private static Command Make(
        string name,
        string description,
        Func<ParseResult, RunFolder, Task<int>> action,
        params Option[] more
    )
    {
        var command = new Command(name, description) { RunOptions.File, RunOptions.Folder, AppIds };
        foreach (var option in more)
            command.Options.Add(option);
        command.SetAction(
            (parsed, _) =>
            {
                // Of a file that is not there nothing runs, but a wrong name says so, too.
                if (parsed.GetValue(RunOptions.File) is { } file && !File.Exists(file))
                    throw new ConfigException($"{file}: no such run file");
                return action(parsed, new RunFolder(RunOptions.FolderOf(parsed)));
            }
        );
        return command;
    }

    private static async Task<int> ListAsync(ParseResult parsed, RunFolder folder)
    {
        var output = parsed.GetValue(Output) ?? "table";
        if (output is not ("table" or "json"))
            throw new ConfigException($"--output must be table or json, not '{output}'");
        var apps = Chosen(parsed, folder).Select(app => new Row(app, folder.Find(app.AppId)?.Pid)).ToList();
        if (output == "json")
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(apps.Select(row => row.Members)));
            return 0;
        }
        if (folder.Find(RunFolder.Runtime) is null)
        {
            await Console.Out.WriteLineAsync("nothing runs");
            return 0;
        }
        const string columns = "{0,-16} {1,-9} {2,-9} {3,-8} {4,-8} {5}";
        await WriteAsync(columns, "APP ID", "HTTP PORT", "GRPC PORT", "APP PORT", "PID", "COMMAND");
        foreach (var (app, pid) in apps)
        {
            var process = pid?.ToString(CultureInfo.InvariantCulture) ?? "-";
            await WriteAsync(
                columns,
                app.AppId,
                app.HttpPort,
                app.GrpcPort,
                app.AppPort,
                process,
                app.Command
            );
        }
        return 0;
    }

    private static async Task<int> StatusAsync(ParseResult parsed, RunFolder folder)
    {
        if (folder.Find(RunFolder.Runtime) is null)
        {
            await Console.Out.WriteLineAsync("nothing runs");
            return 1;
        }
        using var http = new HttpClient { Timeout = AnswerPatience };
        var allReady = true;
        foreach (var app in Chosen(parsed, folder))
        {
            var isReady = await IsReadyAsync(http, app);
            var process =
                app.Command.Length == 0 ? "sidecar only"
                : folder.Find(app.AppId) is { } mark ? $"process {mark.Pid}"
                : "app not running";
            allReady &= isReady;
            await WriteAsync("{0,-16} {1,-10} {2}", app.AppId, isReady ? "ready" : "not ready", process);
        }
        return allReady ? 0 : 1;
    }

    private static async Task<int> StopAsync(ParseResult parsed, RunFolder folder)
    {
        if (folder.Find(RunFolder.Runtime) is not { } runtime)
        {
            await Console.Out.WriteLineAsync("nothing runs");
            return 0;
        }
        if (parsed.GetValue(AppIds) is { Length: > 0 })
        {
            using var http = new HttpClient { Timeout = AnswerPatience };
            foreach (var app in Chosen(parsed, folder))
                await ShutDownAsync(http, app);
            return 0;
        }
        runtime.Terminate();
        if (await runtime.UntilGoneAsync(StopPatience, TimeProvider.System))
            return 0;
        await Console.Error.WriteLineAsync($"sidecar: process {runtime.Pid} does not stop");
        return 1;
    }

    // As a client would: the runtime stops the app that is asked to, and remembers that it was.
    private static async Task ShutDownAsync(HttpClient http, AppRecord app)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri($"http://127.0.0.1:{app.HttpPort}/v1.0/shutdown")
        );
        if (SidecarSettings.FromEnvironment().ApiToken is { } token)
            request.Headers.Add("dapr-api-token", token);
        using var answer = await http.SendAsync(request);
        if (!answer.IsSuccessStatusCode)
            throw new ConfigException($"the sidecar of '{app.AppId}' answers {(int)answer.StatusCode}");
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, AppRecord app)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{app.HttpPort}/v1.0/healthz"));
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    private static IReadOnlyList<AppRecord> Chosen(ParseResult parsed, RunFolder folder)
    {
        var apps = folder.Record?.Apps ?? [];
        if (parsed.GetValue(AppIds) is not { Length: > 0 } ids)
            return apps;
        return
        [
            .. ids.Select(id =>
                apps.FirstOrDefault(app => app.AppId == id)
                ?? throw new ConfigException($"no app '{id}' runs here ({folder.Directory})")
            ),
        ];
    }

    private static Task WriteAsync(string format, params object[] values) =>
        Console.Out.WriteLineAsync(string.Format(CultureInfo.InvariantCulture, format, values).TrimEnd());

    private sealed record Row(AppRecord App, int? Pid)
    {
        // The names that Dapr's command line gives them.
        public object Members =>
            new
            {
                appId = App.AppId,
                httpPort = App.HttpPort,
                grpcPort = App.GrpcPort,
                appPort = App.AppPort,
                appPid = Pid,
                command = App.Command,
            };
    }
}
