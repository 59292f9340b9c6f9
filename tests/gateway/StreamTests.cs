using System.Text.Json.Nodes;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>Server streams over plain HTTP: server-sent events, JSON lines, bytes.</summary>
internal sealed class StreamTests
{
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task Start() =>
        _gateway = await GatewayHarness.StartAsync(
            settings => settings with { StreamsPerCaller = 3 },
            _clock
        );

    [OneTimeTearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    public async Task WatchThings_AsEvents_HaveIdsAndAnEnd()
    {
        var answer = await WatchAsync("count=2", ("Accept", "text/event-stream"));
        var blocks = answer.Body.Split("\n\n");

        Assert.Multiple(() =>
        {
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("text/event-stream"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(blocks[0], Does.StartWith("retry: 2000\nid: 1\ndata: {\"thing_id\":"));
            Assert.That(blocks[1], Does.StartWith("id: 2\ndata: "));
            Assert.That(blocks[2..], Is.EqualTo(new[] { "event: end\ndata: {}", "" }));
        });
    }

    [Test]
    public async Task WatchThings_FailsInTheMiddle_TellsTheProblemLast()
    {
        var answer = await WatchAsync("count=-1", ("Accept", "text/event-stream"));
        var last = answer.Body.Split("\n\n")[1];

        Assert.That(last, Does.StartWith("event: problem\ndata: {"));
        Assert.That((string?)JsonNode.Parse(last.Split("data: ")[1])!["reason"], Is.EqualTo("GONE"));
    }

    [TestCase("count=3", "1", new[] { "thing 1", "thing 2" })]
    [TestCase("count=3&after=1", "2", new[] { "thing 2" })]
    [TestCase("count=3&after=2", "", new[] { "thing 2" })]
    public async Task WatchThings_ClientComesBack_ContinuesBehindItsLastEvent(
        string query,
        string lastEventId,
        string[] expected
    )
    {
        var answer = await WatchAsync(query, ("Last-Event-ID", lastEventId));

        Assert.That(Lines(answer).Select(line => (string?)line["name"]), Is.EqualTo(expected));
    }

    [TestCase("x")]
    [TestCase("1.5")]
    [TestCase("99999999999999999999")]
    public async Task WatchThings_LastEventIdUnusable_IsRefused(string lastEventId)
    {
        var answer = await WatchAsync("count=3", ("Last-Event-ID", lastEventId));

        Assert.That(answer.Problem, Is.EqualTo((400, "INVALID_ARGUMENT", "INVALID_FIELD")));
    }

    [TestCase("text/event-stream", "retry: 2000\n:\n\n:\n\n")]
    [TestCase("application/x-ndjson", "\n\n")]
    public async Task WatchThings_NothingToSay_Beats(string accept, string expected)
    {
        using var reader = await OpenAsync("count=1&after=1&hold=true", accept);
        var read = "";
        var buffer = new char[256];
        while (read.Length < expected.Length)
            read += new string(buffer, 0, await InTime(reader.ReadAsync(buffer).AsTask()));

        Assert.That(read, Does.StartWith(expected));
    }

    [Test]
    public async Task WatchThings_LongerThanAStreamMayLast_EndsWithTheDeadline()
    {
        using var reader = await OpenAsync("count=1&hold=true", "application/x-ndjson");
        var first = await InTime(reader.ReadLineAsync());
        _clock.Advance(TimeSpan.FromHours(1));
        var rest = (await InTime(reader.ReadToEndAsync())).Trim();

        Assert.That(first, Does.Contain("thing 0"));
        Assert.That((string?)JsonNode.Parse(rest)!["error"]!["code"], Is.EqualTo("DEADLINE_EXCEEDED"));
    }

    [Test]
    public async Task WatchThings_GatewayStops_EndsWithUnavailable()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        using var response = await gateway.Http.GetAsync(
            "/api/v1/watch?count=1&hold=true",
            HttpCompletionOption.ResponseHeadersRead
        );
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await InTime(reader.ReadLineAsync());
        var stopped = gateway.StopAsync();
        var last = await InTime(reader.ReadToEndAsync());
        await stopped;

        Assert.That((string?)JsonNode.Parse(last)!["error"]!["code"], Is.EqualTo("UNAVAILABLE"));
    }

    [Test]
    public async Task WatchThings_ReaderTakesNothing_LetsTheServiceWait()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        using var response = await gateway.Http.GetAsync(
            "/api/v1/watch?count=2000&padding=50000",
            HttpCompletionOption.ResponseHeadersRead
        );
        // 100 MB in all: what the service could send ahead is what the windows on the way hold.
        Assert.That(await gateway.Echo.UntilHeldUpAsync(), Is.LessThan(1000));
    }

    [Test]
    public async Task WatchThings_MoreStreamsThanACallerMayHave_IsRefused()
    {
        await using var gateway = await GatewayHarness.StartAsync(settings =>
            settings with
            {
                StreamsPerCaller = 2,
            }
        );
        const string path = "/api/v1/watch?count=1&hold=true";
        var first = await gateway.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        using var second = await gateway.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        var refused = await gateway.SendAsync("GET", path);
        Assert.That(refused.Problem, Is.EqualTo((429, "RESOURCE_EXHAUSTED", "RATE_LIMITED")));

        first.Dispose();
        var answer = await gateway.SendAsync("GET", "/api/v1/watch?count=1");
        for (var tries = 0; answer.Status == 429 && tries < 500; tries++)
        {
            await Task.Delay(10);
            answer = await gateway.SendAsync("GET", "/api/v1/watch?count=1");
        }
        Assert.That(answer.Status, Is.EqualTo(200));
    }

    [Test]
    public async Task ExportThings_OfBytes_IsTheirConcatenation()
    {
        var answer = await _gateway.SendAsync("GET", "/api/v1/export?count=3");

        Assert.That((answer.Header("Content-Type"), answer.Body), Is.EqualTo(("text/csv", "0;\n1;\n2;\n")));
    }

    [Test]
    public async Task ExportThings_FailsInTheMiddle_IsCutOff() =>
        await Assert.ThatAsync(
            () => _gateway.SendAsync("GET", "/api/v1/export?count=-3"),
            Throws.InstanceOf<HttpRequestException>()
        );

    private Task<Answer> WatchAsync(string query, params (string, string)[] headers) =>
        _gateway.SendAsync("GET", $"/api/v1/watch?{query}", null, headers);

    private async Task<StreamReader> OpenAsync(string query, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/watch?{query}");
        request.Headers.Add("Accept", accept);
        var response = await InTime(
            _gateway.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead)
        );
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    // Moves the gateway's clock until something happens.
    private async Task<T> InTime<T>(Task<T> task)
    {
        for (var steps = 0; !task.IsCompleted && steps < 6000; steps++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.WhenAny(task, Task.Delay(10));
        }
        Assert.That(task.IsCompleted, Is.True);
        return await task;
    }

    private static IEnumerable<JsonNode> Lines(Answer answer) =>
        answer.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!);
}
