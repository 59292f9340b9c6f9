using System.Collections.Concurrent;
using Dapr.Workflow;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Workflows;

/// <summary>The SDK's worker against the runtime as a process, which is killed while hundreds of workflows
/// run.</summary>
internal sealed class KillTests
{
    private const int Shoppers = 60;
    private const int Kills = 6;
    private const int PurchasesBetweenKills = 20;

    /// <summary>Every result that an activity ever returned, by workflow and step.</summary>
    private readonly ConcurrentDictionary<string, ConcurrentBag<string>> _returned = [];
    private int _purchases;

    [Test]
    public async Task Serve_KilledUnderLoad_EveryWorkflowEndsAsItsHistorySays()
    {
        await using var database = await SidecarDatabase.CreateAsync();
        await using var sidecar = await SidecarProcess.StartAsync(
            Yaml.PostgresState(database.ConnectionString, metadata: Yaml.Item("actorStateStore", "true")),
            "shop"
        );
        var seed = Random.Shared.Next();
        TestContext.Out.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var worker = await StartWorkerAsync(sidecar);
        var client = worker.Services.GetRequiredService<DaprWorkflowClient>();
        using var closing = new CancellationTokenSource();
        var shopping = Task.WhenAll(
            Enumerable
                .Range(0, Shoppers)
                .Select(shopper => Eventually.Watch(ShopAsync(client, shopper, closing.Token)))
        );
        for (var kill = 0; kill < Kills; kill++)
        {
            var before = Volatile.Read(ref _purchases);
            await Eventually.ThatAsync(
                () => Volatile.Read(ref _purchases) >= before + PurchasesBetweenKills,
                "purchases to go on"
            );
            await Task.Delay(random.Next(50, 500));
            if (random.Next(3) == 0)
            {
                // The database loses its connections at the same time.
                await database.DisconnectAllAsync();
            }
            await sidecar.KillAsync();
            await sidecar.StartAsync();
        }
        await closing.CancelAsync();
        await shopping;
        await worker.StopAsync();
        worker.Dispose();
        TestContext.Out.WriteLine($"{_purchases} purchases");
        Assert.That(
            await database.CountAsync("workflow_instance"),
            Is.EqualTo(2 * _purchases),
            "one child each"
        );
    }

    /// <summary>One purchase after the other until closing time.</summary>
    private async Task ShopAsync(DaprWorkflowClient client, int shopper, CancellationToken closing)
    {
        for (var purchase = 0; !closing.IsCancellationRequested; purchase++)
        {
            var id = $"shopper-{shopper}-{purchase}";
            AssertIsTrue(id, await RunAsync(client, id));
            Interlocked.Increment(ref _purchases);
        }
    }

    /// <summary>Starts under an id of its own and asks again for as long as the runtime is away.</summary>
    private static async Task<string[]> RunAsync(DaprWorkflowClient client, string id)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var started = false;
        while (true)
        {
            try
            {
                if (!started)
                {
                    await client.ScheduleNewWorkflowAsync(nameof(Purchase), id, id, (DateTime?)null);
                    started = true;
                }
                var state = await client.WaitForWorkflowCompletionAsync(id, cancellation: patience.Token);
                Assert.That(state.RuntimeStatus, Is.EqualTo(WorkflowRuntimeStatus.Completed));
                return state.ReadOutputAs<string[]>()!;
            }
            catch (Grpc.Core.RpcException e) when (e.StatusCode == Grpc.Core.StatusCode.AlreadyExists)
            {
                started = true;
            }
            catch (Grpc.Core.RpcException)
            {
                await Task.Delay(50, patience.Token);
            }
        }
    }

    private void AssertIsTrue(string id, string[] output)
    {
        Assert.That(output, Has.Length.EqualTo(4));
        foreach (var (result, step) in output.Select((result, step) => (result, step)))
        {
            // At least once: a step may have run twice, and its result is one of those that it returned.
            var key = step == 3 ? $"{id}-child/0" : $"{id}/{step}";
            Assert.That(_returned[key], Does.Contain(result), key);
        }
    }

    private async Task<IHost> StartWorkerAsync(SidecarProcess sidecar)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["DAPR_GRPC_ENDPOINT"] = $"http://127.0.0.1:{sidecar.GrpcPort}",
            }
        );
        builder.Logging.ClearProviders();
        builder.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<Purchase>();
            options.RegisterWorkflow<Parcel>();
            options.RegisterActivity<string, string>("Step", (_, step) => Task.FromResult(Return(step)));
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private string Return(string step)
    {
        var result = Guid.CreateVersion7().ToString("N");
        _returned.GetOrAdd(step, _ => []).Add(result);
        return result;
    }

    private sealed class Purchase : Workflow<string, string[]>
    {
        public override async Task<string[]> RunAsync(WorkflowContext context, string input)
        {
            var first = await context.CallActivityAsync<string>("Step", $"{input}/0");
            var more = await Task.WhenAll(
                context.CallActivityAsync<string>("Step", $"{input}/1"),
                context.CallActivityAsync<string>("Step", $"{input}/2")
            );
            await context.CreateTimer(TimeSpan.FromMilliseconds(300));
            var child = await context.CallChildWorkflowAsync<string>(
                nameof(Parcel),
                input,
                new ChildWorkflowTaskOptions(InstanceId: $"{input}-child")
            );
            return [first, .. more, child];
        }
    }

    private sealed class Parcel : Workflow<string, string>
    {
        public override Task<string> RunAsync(WorkflowContext context, string input) =>
            context.CallActivityAsync<string>("Step", $"{context.InstanceId}/0");
    }
}
