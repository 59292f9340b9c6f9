using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>A workflow runtime on its way out: what workers have in hand counts, and nobody gets
/// more.</summary>
internal sealed class DrainTests : WorkflowFixture
{
    [Test]
    public async Task CompleteActivityTask_WhileDraining_CountsAndIsNotRunAgain()
    {
        var (id, later) = (NewId(), NewId());
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runs = 0;
        void Configure(ProtocolWorker worker)
        {
            worker.Workflows["slow"] = Chain("count", 2);
            worker.Activities["count"] = async request =>
            {
                Interlocked.Increment(ref runs);
                await held.Task;
                return request.Input + "+";
            };
        }
        await using (var worker = await ProtocolWorker.ConnectAsync(Runtime, Configure))
        {
            await StartAsync("slow", id, "x");
            await Eventually.ThatAsync(() => Volatile.Read(ref runs) == 1, "the activity to run");
            var drained = Runtime.Engine.DrainAsync();
            await StartAsync("slow", later, "y");
            Assert.That(drained.IsCompleted, Is.False);
            held.SetResult();
            await drained.WaitAsync(Patience);
            Assert.That(worker.Turns(later), Is.Empty);
            await Runtime.DisposeAsync();
        }
        Runtime = await WorkflowRuntime.StartAsync(Database);
        await using var next = await ProtocolWorker.ConnectAsync(Runtime, Configure);
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("x++"));
        Assert.That((await FinishedAsync(later)).Output, Is.EqualTo("y++"));
        Assert.That(runs, Is.EqualTo(4));
    }

    [Test]
    public async Task GetWorkItems_WorkerHangsUpWhileDraining_ItsWorkIsForTheNextRuntime()
    {
        var id = NewId();
        var never = new TaskCompletionSource<string?>();
        var worker = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                w.Workflows["stuck"] = Chain("never", 1);
                w.Activities["never"] = _ => never.Task;
            }
        );
        await StartAsync("stuck", id, "x");
        await Eventually.ThatAsync(() => worker.ActivitiesOf(id).Any(), "the activity to run");
        var drained = Runtime.Engine.DrainAsync();
        await worker.DisposeAsync();
        await drained.WaitAsync(Patience);
        await Runtime.DisposeAsync();
        Runtime = await WorkflowRuntime.StartAsync(Database);
        await using var next = await ProtocolWorker.ConnectAsync(
            Runtime,
            w =>
            {
                w.Workflows["stuck"] = Chain("never", 1);
                w.Activities["never"] = Activity(input => input + "+");
            }
        );
        Assert.That((await FinishedAsync(id)).Output, Is.EqualTo("x+"));
    }

    [Test]
    public async Task WaitForInstanceCompletion_HangUp_IsUnavailable()
    {
        var id = NewId();
        await StartAsync("nobody", id);
        var waiting = StatusOf(async () =>
            await Client.WaitForInstanceCompletionAsync(new() { InstanceId = id }, deadline: Soon)
        );
        await Eventually.ThatAsync(
            () =>
            {
                Runtime.Engine.HangUp();
                return waiting.IsCompleted;
            },
            "the wait ends"
        );
        Assert.That((await waiting).StatusCode, Is.EqualTo(Grpc.Core.StatusCode.Unavailable));
    }
}
