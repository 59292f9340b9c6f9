using System.Collections.Concurrent;
using Dapr.Workflow;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Souk.Tests.Sidecar.Workflows;

namespace Souk.Tests.Standins;

/// <summary>The stand-in's worker and client with the sidecar's real engine between them.</summary>
[Description("K12, ORD-08")]
internal sealed class WorkflowEngineTests : WorkflowFixture
{
    private readonly ConcurrentDictionary<string, int> _runsByKey = new();
    private IHost _app = null!;
    private DaprWorkflowClient _client = null!;

    [SetUp]
    public async Task StartApp()
    {
        _app = BuildApp();
        _client = _app.Services.GetRequiredService<DaprWorkflowClient>();
        await _app.StartAsync();
    }

    [TearDown]
    public async Task StopApp()
    {
        await _app.StopAsync();
        await _client.DisposeAsync();
        _app.Dispose();
    }

    [Test]
    public async Task Workflow_WholeVocabulary_RunsToItsEnd()
    {
        var id = await _client.ScheduleNewWorkflowAsync("Mixed", NewId(), 1);
        await _client.RaiseEventAsync(id, "GO", 10);

        var state = await _client.WaitForWorkflowCompletionAsync(id);

        Assert.That(
            state.RuntimeStatus,
            Is.EqualTo(WorkflowRuntimeStatus.Completed),
            $"{state.FailureDetails}"
        );
        Assert.That(state.ReadOutputAs<int>(), Is.EqualTo(1 + 10 + 9 + 1000));
        Assert.That(state.ReadCustomStatusAs<string>(), Is.EqualTo("waiting"));
    }

    [Test]
    public async Task Workflow_ContinuesAsNew_EndsWithItsLastRun()
    {
        var id = await _client.ScheduleNewWorkflowAsync("Loop", NewId(), 0);

        var state = await _client.WaitForWorkflowCompletionAsync(id);
        Assert.That(state.ReadOutputAs<int>(), Is.EqualTo(5));
    }

    [Test]
    public async Task Workflow_Throws_ClientSeesWhat()
    {
        var id = await _client.ScheduleNewWorkflowAsync("Throws", NewId(), 0);

        var state = await _client.WaitForWorkflowCompletionAsync(id);
        Assert.That(state.RuntimeStatus, Is.EqualTo(WorkflowRuntimeStatus.Failed));
        Assert.That(state.FailureDetails?.IsCausedBy<InvalidOperationException>(), Is.True);
    }

    [Test]
    public async Task Workflow_SuspendedWhileAnEventComes_GoesOnWithItAfterTheResume()
    {
        var id = await _client.ScheduleNewWorkflowAsync("Waits", NewId(), 0);
        await _client.SuspendWorkflowAsync(id);
        await _client.RaiseEventAsync(id, "go", 7);
        var suspended = await _client.GetWorkflowStateAsync(id);
        Assert.That(suspended.RuntimeStatus, Is.EqualTo(WorkflowRuntimeStatus.Suspended));

        await _client.ResumeWorkflowAsync(id);
        Assert.That((await _client.WaitForWorkflowCompletionAsync(id)).ReadOutputAs<int>(), Is.EqualTo(7));
    }

    [Test]
    public async Task Workflow_Terminated_IsGoneAfterThePurge()
    {
        var id = await _client.ScheduleNewWorkflowAsync("Waits", NewId(), 0);
        await _client.TerminateWorkflowAsync(id, "enough");
        var ended = await _client.GetWorkflowStateAsync(id);
        Assert.That(ended.RuntimeStatus, Is.EqualTo(WorkflowRuntimeStatus.Terminated));
        Assert.That(ended.ReadOutputAs<string>(), Is.EqualTo("enough"));

        Assert.That(await _client.PurgeInstanceAsync(id), Is.True);
        Assert.That((await _client.GetWorkflowStateAsync(id)).Exists, Is.False);
    }

    [Test]
    public async Task Sidecar_KilledInTheMiddle_EveryWorkflowEndsAsIfNothingHadHappened()
    {
        var ids = new ConcurrentDictionary<string, int>();
        await Task.WhenAll(
            Enumerable
                .Range(0, 30)
                .Select(async number =>
                {
                    var id = await _client.ScheduleNewWorkflowAsync("Chain", NewId(), number);
                    ids[id] = number;
                })
        );
        var ends = ids.Keys.Select(id => _client.WaitForWorkflowCompletionAsync(id)).ToArray();

        var port = Runtime.Port;
        await Runtime.CrashAsync();
        Runtime = await WorkflowRuntime.StartAsync(Database, port: port);

        foreach (var (id, end) in ids.Keys.Zip(await Task.WhenAll(ends)))
            Assert.That(end.ReadOutputAs<int>(), Is.EqualTo(ids[id] + 9), id);
    }

    [Test]
    public async Task Worker_Replaced_TheNextOneTakesOver()
    {
        var id = await _client.ScheduleNewWorkflowAsync("Gated", NewId(), 1);
        await StopApp();
        await StartApp();
        await _client.RaiseEventAsync(id, "go", 1);

        Assert.That((await _client.WaitForWorkflowCompletionAsync(id)).ReadOutputAs<int>(), Is.EqualTo(3));
        // What the first worker had answered, the second was told and did not do again.
        Assert.That(_runsByKey.Values, Is.All.EqualTo(1));
    }

    private IHost BuildApp()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["DAPR_GRPC_ENDPOINT"] = $"http://127.0.0.1:{Runtime.Port}" }
        );
        builder.Logging.ClearProviders();
        builder.Services.AddDaprWorkflow(Register);
        return builder.Build();
    }

    private void Register(WorkflowRuntimeOptions options)
    {
        options.RegisterWorkflow<int, int>("Chain", ChainAsync);
        options.RegisterWorkflow<int, int>("Mixed", MixedAsync);
        options.RegisterWorkflow<int, int>("Loop", LoopAsync);
        options.RegisterWorkflow<int, int>("Gated", GatedAsync);
        options.RegisterWorkflow<int, int>(
            "Waits",
            (context, _) => context.WaitForExternalEventAsync<int>("go")
        );
        options.RegisterWorkflow<int, int>("Throws", (_, _) => throw new InvalidOperationException("no"));
        options.RegisterActivity<int, int>("Increment", (_, number) => Task.FromResult(number + 1));
        options.RegisterActivity<int, int>("Fail", (_, _) => throw new FileNotFoundException("no such card"));
        options.RegisterActivity<int, int>(
            "Once",
            (context, number) =>
                Task.FromResult(
                    number + _runsByKey.AddOrUpdate(context.TaskExecutionKey, 1, (_, runs) => runs + 1)
                )
        );
    }

    private static async Task<int> ChainAsync(WorkflowContext context, int number)
    {
        for (var step = 0; step < 9; step++)
            number = await context.CallActivityAsync<int>("Increment", number);
        return number;
    }

    private static async Task<int> MixedAsync(WorkflowContext context, int number)
    {
        context.SetCustomStatus("waiting");
        var pause = context.CreateTimer(TimeSpan.FromMilliseconds(20));
        var go = context.WaitForExternalEventAsync<int>("go", TimeSpan.FromMinutes(1));
        await pause;
        number += await go;
        number = await context.CallChildWorkflowAsync<int>("Chain", number);
        var twice = new WorkflowTaskOptions(new WorkflowRetryPolicy(2, TimeSpan.FromMilliseconds(10)));
        try
        {
            await context.CallActivityAsync("Fail", 0, twice);
        }
        catch (WorkflowTaskFailedException failure) when (failure.FailureDetails.IsCausedBy<IOException>())
        {
            number += 1000;
        }
        return number;
    }

    private static async Task<int> LoopAsync(WorkflowContext context, int round)
    {
        await context.CallActivityAsync("Increment", round);
        if (round < 5)
            context.ContinueAsNew(round + 1);
        return round;
    }

    private static async Task<int> GatedAsync(WorkflowContext context, int number)
    {
        number = await context.CallActivityAsync<int>("Once", number);
        return number + await context.WaitForExternalEventAsync<int>("go");
    }
}
