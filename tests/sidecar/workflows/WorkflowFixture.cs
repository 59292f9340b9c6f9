using Dapr.DurableTask.Protobuf;
using Grpc.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>A database and a runtime for the tests of one fixture, and the words that they speak. Those that
/// ask nothing but the protocol take a runtime that is there already.</summary>
internal abstract class WorkflowFixture(bool takesGiven = false)
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    protected SidecarDatabase Database { get; private set; } = null!;

    protected WorkflowRuntime Runtime { get; set; } = null!;

    protected TaskHubSidecarService.TaskHubSidecarServiceClient Client => Runtime.Client;

    [OneTimeSetUp]
    public async Task CreateDatabase()
    {
        Database = await SidecarDatabase.CreateAsync();
        Runtime = await (
            takesGiven ? WorkflowRuntime.FindAsync(Database) : WorkflowRuntime.StartAsync(Database)
        );
    }

    [OneTimeTearDown]
    public async Task DropDatabase()
    {
        if (Runtime is not null)
        {
            await Runtime.DisposeAsync();
        }
        if (Database is not null)
        {
            await Database.DisposeAsync();
        }
    }

    protected static string NewId() => Guid.CreateVersion7().ToString("N");

    protected static DateTime Soon => TimeProvider.System.GetUtcNow().UtcDateTime + Patience;

    /// <summary>Starts without waiting for a worker, as the JavaScript SDK does.</summary>
    protected Task<CreateInstanceResponse> StartAsync(string name, string id, string? input = null) =>
        Client
            .StartInstanceAsync(
                new()
                {
                    InstanceId = id,
                    Name = name,
                    Input = input,
                    ScheduledStartTimestamp = new(),
                },
                deadline: Soon
            )
            .ResponseAsync;

    protected async Task<WorkflowState> FinishedAsync(string id)
    {
        var answer = await Client.WaitForInstanceCompletionAsync(
            new() { InstanceId = id, GetInputsAndOutputs = true },
            deadline: Soon
        );
        return answer.WorkflowState;
    }

    protected async Task<WorkflowState?> StateAsync(string id)
    {
        var answer = await Client.GetInstanceAsync(
            new() { InstanceId = id, GetInputsAndOutputs = true },
            deadline: Soon
        );
        return answer.Exists ? answer.WorkflowState : null;
    }

    protected Task UntilStatusAsync(string id, OrchestrationStatus status) =>
        Eventually.ThatAsync(
            async () => (await StateAsync(id))?.WorkflowStatus == status,
            $"{id} to be {status}"
        );

    protected static async Task<Status> StatusOf(Func<Task> call)
    {
        try
        {
            await call();
            return Status.DefaultSuccess;
        }
        catch (RpcException e)
        {
            return e.Status;
        }
    }

    /// <summary>A workflow of activities one after the other: each gets the result of the one
    /// before.</summary>
    protected static Func<Replay, IEnumerable<WorkflowAction>> Chain(string activity, int length) =>
        replay =>
        {
            var last = replay.Input;
            for (var id = 0; id < length; id++)
            {
                if (!replay.IsScheduled(id))
                {
                    return [Replay.Task(id, activity, last)];
                }
                if (!replay.IsDone(id))
                {
                    return [];
                }
                last = replay.ResultOf(id) ?? $"failed: {replay.FailureOf(id)!.ErrorMessage}";
            }
            return [Replay.Done(last)];
        };

    protected static Func<ActivityRequest, Task<string?>> Activity(Func<string, string?> body) =>
        request => Task.FromResult(body(request.Input ?? ""));
}
