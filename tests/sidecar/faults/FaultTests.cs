using System.Globalization;
using System.Text.Json;
using Dapr.DurableTask.Protobuf;
using Grpc.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Faults;

/// <summary>
/// kill -9 of everything, again and again, while workflows run and events are published. SOUK_SEED repeats a
/// run's choices. </summary>
internal sealed class FaultTests
{
    private const int Trips = 1_000;
    private const int Events = 10_000;
    private const int Publishers = 16;
    private const int Rounds = 3;
    private static readonly TimeSpan PublishPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Test]
    public async Task Serve_EverythingKilledAgainAndAgain_NothingIsLostOrContradicted()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SOUK_SEED"), out var given)
            ? given
            : Random.Shared.Next();
        await TestContext.Out.WriteLineAsync($"SOUK_SEED={seed}");
        var random = new Random(seed);
        await using var mesh = await FaultedMesh.StartAsync();
        using var patience = new CancellationTokenSource(Patience);

        var started = StartTripsAsync(mesh, random.Next(), patience.Token);
        var published = PublishAsync(mesh, patience.Token);
        var kills = await KillAsync(mesh, random, patience.Token);
        await Task.WhenAll(started, published);
        var outputs = await FinishedAsync(mesh, patience.Token);
        await Eventually.ThatAsync(
            () => mesh.Journal.Events.Count >= Events,
            $"{Events} events to be delivered"
        );

        var journal = mesh.Journal;
        foreach (var (id, output) in outputs)
            await AssertTrueAsync(mesh, journal, id, output);
        Assert.That(journal.Events, Is.EquivalentTo(Enumerable.Range(0, Events).Select(EventOf)));
        await TestContext.Out.WriteLineAsync(
            $"{kills} kills, {journal.Steps.Sum(runs => runs.Count())} activity runs for {4 * Trips} steps"
        );
    }

    private static async Task<int> KillAsync(FaultedMesh mesh, Random random, CancellationToken cancellation)
    {
        var kills = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var parts = Enum.GetValues<Part>();
            random.Shuffle(parts);
            foreach (var part in parts)
            {
                await Task.Delay(random.Next(100, 1_200), cancellation);
                // Now and then two at once: neither may be what saves the other.
                Part[] chosen = random.Next(3) == 0 ? [part, parts[random.Next(parts.Length)]] : [part];
                await mesh.KillAsync([.. chosen.Distinct()]);
                kills += chosen.Distinct().Count();
            }
        }
        return kills;
    }

    private static async Task StartTripsAsync(FaultedMesh mesh, int seed, CancellationToken cancellation)
    {
        var random = new Random(seed);
        var rests = Enumerable.Range(0, Trips).Select(_ => random.Next(100, 15_000)).ToArray();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Trips),
            new ParallelOptions { MaxDegreeOfParallelism = Publishers, CancellationToken = cancellation },
            async (i, token) =>
                await UntilDoneAsync(
                    async deadline =>
                        await mesh.Workflows.StartInstanceAsync(
                            new()
                            {
                                InstanceId = TripOf(i),
                                Name = nameof(Trip),
                                Input = rests[i].ToString(CultureInfo.InvariantCulture),
                                // Whatever time, it says that the caller waits for no worker.
                                ScheduledStartTimestamp = new(),
                            },
                            deadline: deadline
                        ),
                    token
                )
        );
    }

    private static Task PublishAsync(FaultedMesh mesh, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            Enumerable.Range(0, Events),
            new ParallelOptions { MaxDegreeOfParallelism = Publishers, CancellationToken = cancellation },
            async (i, token) =>
            {
                await UntilDoneAsync(
                    async deadline =>
                        await mesh.Dapr.PublishEventAsync(
                            PublishRequest.Of(FaultApp.Topic, EventOf(i)),
                            deadline: deadline
                        ),
                    token
                );
                await Task.Delay(PublishPause, token);
            }
        );

    private static async Task<List<(string Id, string[] Output)>> FinishedAsync(
        FaultedMesh mesh,
        CancellationToken cancellation
    )
    {
        var outputs = new List<(string, string[])>();
        for (var i = 0; i < Trips; i++)
        {
            var id = TripOf(i);
            var state = await UntilDoneAsync(
                async deadline =>
                    (
                        await mesh.Workflows.WaitForInstanceCompletionAsync(
                            new() { InstanceId = id, GetInputsAndOutputs = true },
                            deadline: deadline
                        )
                    ).WorkflowState,
                cancellation
            );
            Assert.That(state!.WorkflowStatus, Is.EqualTo(OrchestrationStatus.Completed), id);
            outputs.Add((id, JsonSerializer.Deserialize<string[]>(state.Output)!));
        }
        return outputs;
    }

    /// <summary>The output, the history and what the app remembers are one story.</summary>
    private static async Task AssertTrueAsync(FaultedMesh mesh, Journal journal, string id, string[] output)
    {
        var given = new[] { "-", output[0], output[0], $"{output[1]}+{output[2]}" };
        for (var step = 0; step < given.Length; step++)
        {
            var runs = journal.Steps[(id, step)].ToList();
            Assert.That(runs.Select(run => run.Result), Does.Contain(output[step]), $"{id}, step {step}");
            // A step may run twice, but never upon a result that the history does not hold.
            Assert.That(runs.Select(run => run.Given), Is.All.EqualTo(given[step]), $"{id}, step {step}");
        }
        var history = (await mesh.Workflows.GetInstanceHistoryAsync(new() { InstanceId = id })).Events;
        var results = history
            .Select(e => e.TaskCompleted?.Result)
            .OfType<string>()
            .Select(json => JsonSerializer.Deserialize<string>(json));
        Assert.That(results, Is.EquivalentTo(output), id);
        Assert.That(history.Count(e => e.TaskScheduled is not null), Is.EqualTo(given.Length), id);
        Assert.That(history.Count(e => e.ExecutionCompleted is not null), Is.EqualTo(1), id);
    }

    /// <summary>Asks again while something is down; an instance that exists already was started by an earlier
    /// attempt.</summary>
    private static async Task<T?> UntilDoneAsync<T>(
        Func<DateTime, Task<T>> attempt,
        CancellationToken cancellation
    )
        where T : class
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await attempt(TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(20));
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.AlreadyExists)
            {
                return null;
            }
            catch (RpcException)
            {
                await Task.Delay(50, cancellation);
            }
        }
    }

    private static string TripOf(int number) => string.Create(CultureInfo.InvariantCulture, $"trip-{number}");

    private static string EventOf(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"event-{number}");
}
