using System.Diagnostics;
using Dapr.Workflow;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Souk.Bench.Sidecar;

/// <summary>Workflows of five activities that do nothing: what is measured is the engine and its
/// log.</summary>
internal static class WorkflowBench
{
    private const int UnderWay = 100;
    private const int IdleRuns = 60;
    private static readonly TimeSpan IdlePause = TimeSpan.FromMilliseconds(30);

    /// <summary>Sustained workflows a second, and the latencies of one at a time.</summary>
    public static async Task<(double PerSecond, double[] Idle)> RunAsync(
        BenchedApp app,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        using var worker = await StartWorkerAsync(app, cancellation);
        var client = worker.Services.GetRequiredService<DaprWorkflowClient>();
        await SustainAsync(client, BenchHost.Shorter(duration), cancellation);
        var perSecond = await SustainAsync(client, duration, cancellation);
        var idle = new List<double>();
        for (var i = 0; i < IdleRuns; i++)
        {
            await Task.Delay(IdlePause, cancellation);
            var start = Stopwatch.GetTimestamp();
            await OneAsync(client, cancellation);
            idle.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        await worker.StopAsync(cancellation);
        return (perSecond, [.. idle.Order()]);
    }

    private static async Task<double> SustainAsync(
        DaprWorkflowClient client,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        var start = Stopwatch.GetTimestamp();
        var done = 0;
        async Task LoopAsync()
        {
            while (Stopwatch.GetElapsedTime(start) < duration)
            {
                await OneAsync(client, cancellation);
                Interlocked.Increment(ref done);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, UnderWay).Select(_ => LoopAsync()));
        return done / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task OneAsync(DaprWorkflowClient client, CancellationToken cancellation)
    {
        var id = await client.ScheduleNewWorkflowAsync(nameof(FiveSteps), null, 0);
        var state = await client.WaitForWorkflowCompletionAsync(id, cancellation: cancellation);
        if (state.RuntimeStatus != WorkflowRuntimeStatus.Completed || state.ReadOutputAs<int>() != 5)
        {
            throw new OperationFailedException($"workflow {state.RuntimeStatus}");
        }
    }

    private static async Task<IHost> StartWorkerAsync(BenchedApp app, CancellationToken cancellation)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["DAPR_GRPC_ENDPOINT"] = $"http://127.0.0.1:{app.GrpcPort}",
                ["DAPR_HTTP_ENDPOINT"] = $"http://127.0.0.1:{app.HttpPort}",
            }
        );
        builder.Logging.ClearProviders();
        builder.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<FiveSteps>();
            options.RegisterActivity<int, int>("Step", (_, count) => Task.FromResult(count + 1));
        });
        var host = builder.Build();
        await host.StartAsync(cancellation);
        return host;
    }

    private sealed class FiveSteps : Workflow<int, int>
    {
        public override async Task<int> RunAsync(WorkflowContext context, int input)
        {
            var count = input;
            for (var step = 0; step < 5; step++)
            {
                count = await context.CallActivityAsync<int>("Step", count);
            }

            return count;
        }
    }
}
