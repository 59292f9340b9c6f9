using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapr.DurableTask.Protobuf;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>The workflow methods of the HTTP API.</summary>
internal sealed class HttpTests() : WorkflowFixture(takesGiven: true)
{
    private const string Workflows = "/v1.0/workflows/dapr";
    private const string SixtyFive = "a2345678901234567890123456789012345678901234567890123456789012345";

    private ProtocolWorker _worker = null!;

    private HttpClient Http => Runtime.Http;

    [OneTimeSetUp]
    public async Task Connect() =>
        _worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                w.CustomStatus = "at the desk";
                w.Workflows["event"] = r => r.Raised("paid") is [var paid, ..] ? [Replay.Done(paid)] : [];
                w.Workflows["failing"] = _ => [Failing()];
                w.Workflows["parent"] = r => r.IsFirst ? [Replay.Child(0, "event", null, r.Input)] : [];
            }
        );

    [OneTimeTearDown]
    public async Task Disconnect() => await _worker.DisposeAsync();

    [TestCase("v1.0")]
    [TestCase("v1.0-beta1")]
    [TestCase("v1.0-alpha1")]
    public async Task Start_ThenRaiseEvent_CompletesAndIsPurged(string version)
    {
        var id = NewId();
        var path = $"/{version}/workflows/dapr";
        var start = await Http.PostAsJsonAsync($"{path}/event/start?instanceID={id}", new { a = 1 });
        Assert.That(start.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await JsonOf(start)).GetProperty("instanceID").GetString(), Is.EqualTo(id));
        await Eventually.ThatAsync(async () => await StatusNameAsync(path, id) == "RUNNING", "it to run");

        var raise = await Http.PostAsJsonAsync($"{path}/{id}/raiseEvent/paid", 7);
        Assert.That(raise.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        await Eventually.ThatAsync(async () => await StatusNameAsync(path, id) == "COMPLETED", "it to end");
        var state = await JsonOf(await Http.GetAsync($"{path}/{id}"));
        Assert.That(state.GetProperty("workflowName").GetString(), Is.EqualTo("event"));
        var (created, updated) = (
            state.GetProperty("createdAt").GetDateTimeOffset(),
            state.GetProperty("lastUpdatedAt").GetDateTimeOffset()
        );
        Assert.That(updated, Is.GreaterThan(created));
        var properties = state.GetProperty("properties");
        Assert.That(
            properties.GetProperty("dapr.workflow.custom_status").GetString(),
            Is.EqualTo("at the desk")
        );
        Assert.That(properties.GetProperty("dapr.workflow.input").GetString(), Is.EqualTo("{\"a\":1}"));
        Assert.That(properties.GetProperty("dapr.workflow.output").GetString(), Is.EqualTo("7"));

        var purge = await Http.PostAsync($"{path}/{id}/purge", null);
        Assert.That(purge.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await Http.GetAsync($"{path}/{id}")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Pause_ThenResumeAndTerminate_ShowsEachState()
    {
        var id = NewId();
        await Http.PostAsync($"{Workflows}/event/start?instanceID={id}", null);
        foreach (
            var (verb, status) in new[]
            {
                ("pause", "SUSPENDED"),
                ("resume", "RUNNING"),
                ("terminate", "TERMINATED"),
            }
        )
        {
            var answer = await Http.PostAsync($"{Workflows}/{id}/{verb}", null);
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
            Assert.That(await StatusNameAsync(Workflows, id), Is.EqualTo(status));
        }
    }

    [Test]
    public async Task Start_NoId_AnswersOneThatItMadeUp()
    {
        var start = await JsonOf(await Http.PostAsync($"{Workflows}/event/start", null));
        var id = start.GetProperty("instanceID").GetString()!;
        Assert.That((await Http.GetAsync($"{Workflows}/{id}")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Get_Failed_ShowsTheFailureAndNoOutput()
    {
        var id = NewId();
        await Http.PostAsync($"{Workflows}/failing/start?instanceID={id}", null);
        await Eventually.ThatAsync(
            async () => await StatusNameAsync(Workflows, id) == "FAILED",
            "it to fail"
        );
        var properties = (await JsonOf(await Http.GetAsync($"{Workflows}/{id}"))).GetProperty("properties");
        Assert.That(
            properties.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()),
            Is.EqualTo(
                new Dictionary<string, string>
                {
                    ["dapr.workflow.custom_status"] = "at the desk",
                    ["dapr.workflow.failure.error_type"] = "TestFailure",
                    ["dapr.workflow.failure.error_message"] = "no stock",
                    ["dapr.workflow.failure.stack_trace"] = "at the shelf",
                }
            )
        );
    }

    [Test]
    public async Task TerminateAndPurge_OfAParent_TakeItsChildren()
    {
        var (id, kid) = (NewId(), NewId());
        var body = new StringContent(kid);
        await Http.PostAsync($"{Workflows}/parent/start?instanceID={id}", body);
        await Eventually.ThatAsync(
            async () => (await Http.GetAsync($"{Workflows}/{kid}")).StatusCode == HttpStatusCode.OK,
            "the child"
        );
        var running = await Http.PostAsync($"{Workflows}/{id}/purge", null);
        Assert.That(running.StatusCode, Is.EqualTo(HttpStatusCode.InternalServerError));
        Assert.That(
            (await JsonOf(running)).GetProperty("errorCode").GetString(),
            Is.EqualTo("ERR_PURGE_WORKFLOW")
        );
        await Http.PostAsync($"{Workflows}/{id}/terminate", null);
        await Eventually.ThatAsync(
            async () => await StatusNameAsync(Workflows, kid) == "TERMINATED",
            "the child to end"
        );
        await Http.PostAsync($"{Workflows}/{id}/purge", null);
        Assert.That(
            (await Http.GetAsync($"{Workflows}/{id}")).StatusCode,
            Is.EqualTo(HttpStatusCode.NotFound)
        );
        Assert.That(
            (await Http.GetAsync($"{Workflows}/{kid}")).StatusCode,
            Is.EqualTo(HttpStatusCode.NotFound)
        );
    }

    [TestCase("GET", "/v1.0/workflows/dapr/nope", 404, "ERR_INSTANCE_ID_NOT_FOUND")]
    [TestCase("POST", "/v1.0/workflows/dapr/nope/terminate", 404, "ERR_INSTANCE_ID_NOT_FOUND")]
    [TestCase("POST", "/v1.0/workflows/dapr/nope/purge", 404, "ERR_INSTANCE_ID_NOT_FOUND")]
    [TestCase("POST", "/v1.0/workflows/dapr/nope/pause", 500, "ERR_PAUSE_WORKFLOW")]
    [TestCase("POST", "/v1.0/workflows/dapr/nope/resume", 500, "ERR_RESUME_WORKFLOW")]
    [TestCase("POST", "/v1.0/workflows/dapr/nope/raiseEvent/x", 500, "ERR_RAISE_EVENT_WORKFLOW")]
    [TestCase(
        "POST",
        "/v1.0/workflows/dapr/event/start?instanceID=no%20spaces",
        400,
        "ERR_INSTANCE_ID_INVALID"
    )]
    [TestCase(
        "POST",
        "/v1.0/workflows/dapr/event/start?instanceID=" + SixtyFive,
        400,
        "ERR_INSTANCE_ID_TOO_LONG"
    )]
    [TestCase("POST", "/v1.0/workflows/dapr//start", 400, "ERR_WORKFLOW_NAME_MISSING")]
    public async Task Call_CannotBeDone_AnswersDaprsError(string method, string path, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        var answer = await Http.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That((await JsonOf(answer)).GetProperty("errorCode").GetString(), Is.EqualTo(code));
    }

    [Test]
    public async Task Pause_Unknown_MessageKeepsItsQuotes()
    {
        var answer = await Http.PostAsync($"{Workflows}/nope/pause", null);
        Assert.That(
            await answer.Content.ReadAsStringAsync(),
            Does.Contain("no such instance exists: 'nope'")
        );
    }

    [TestCase("event/start")]
    [TestCase("nope/raiseEvent/paid")]
    public async Task Body_OverTheLimit_Is413AndStartsNothing(string path)
    {
        var id = NewId();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Workflows}/{path}?instanceID={id}")
        {
            Content = new ByteArrayContent(new byte[(4 << 20) + 1]),
        };
        // Without it the refusal may come while the body is still on its way, and break the connection.
        request.Headers.ExpectContinue = true;
        using var answer = await Http.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
        Assert.That(await StateAsync(id), Is.Null);
    }

    private static WorkflowAction Failing()
    {
        var failing = Replay.Fail("no stock", "at the shelf");
        // The message's field, which is no task's.
        failing.CompleteWorkflow.Result = "not shown";
        return failing;
    }

    private async Task<string?> StatusNameAsync(string path, string id) =>
        (await JsonOf(await Http.GetAsync($"{path}/{id}"))).GetProperty("runtimeStatus").GetString();

    private static async Task<JsonElement> JsonOf(HttpResponseMessage answer) =>
        await answer.Content.ReadFromJsonAsync<JsonElement>();
}
