using System.Globalization;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Workflow;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar.Faults;

/// <summary>
/// The app of the fault test, as a process that can be killed: <c>Tests.dll APP_PORT DAPR_GRPC_PORT
/// JOURNAL</c>. It runs workflows and takes events, and writes each into its journal before it answers.
/// </summary>
internal static class FaultApp
{
    internal const string PubSub = "pubsub";
    internal const string Topic = "faults";
    internal const string Activity = "Step";

    internal static async Task<int> Main(string[] args)
    {
        if (args.Length != 3)
        {
            await Console.Error.WriteLineAsync("usage: Tests.dll APP_PORT DAPR_GRPC_PORT JOURNAL");
            return 2;
        }
        var port = int.Parse(args[0], CultureInfo.InvariantCulture);
        using var journal = new JournalWriter(args[2]);
        var builder = Loopback.Builder((port, HttpProtocols.Http2));
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["DAPR_GRPC_ENDPOINT"] = $"http://127.0.0.1:{args[1]}" }
        );
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Callbacks(journal));
        builder.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<Trip>();
            options.RegisterActivity<Step, string>(
                Activity,
                (_, step) =>
                {
                    var result = Guid.CreateVersion7().ToString("N");
                    journal.Write($"activity {step.Trip} {step.Number} {step.Given} {result}");
                    return Task.FromResult(result);
                }
            );
        });
        var web = builder.Build();
        web.MapGrpcService<Callbacks>();
        await web.RunAsync();
        return 0;
    }

    private sealed class Callbacks(JournalWriter journal) : AppCallback.AppCallbackBase
    {
        public override Task<ListTopicSubscriptionsResponse> ListTopicSubscriptions(
            Empty request,
            ServerCallContext context
        )
        {
            var response = new ListTopicSubscriptionsResponse();
            response.Subscriptions.Add(new TopicSubscription { PubsubName = PubSub, Topic = Topic });
            return Task.FromResult(response);
        }

        public override Task<TopicEventResponse> OnTopicEvent(
            TopicEventRequest request,
            ServerCallContext context
        )
        {
            journal.Write($"event {request.Data.ToStringUtf8()}");
            return Task.FromResult(new TopicEventResponse());
        }
    }
}

/// <summary>What an activity is asked: which step of which workflow, and the results that it follows
/// from.</summary>
internal sealed record Step(string Trip, int Number, string Given);

/// <summary>Four steps, two of them side by side, with a rest in between; ends with their results.</summary>
internal sealed class Trip : Workflow<int, string[]>
{
    public override async Task<string[]> RunAsync(WorkflowContext context, int input)
    {
        Task<string> StepAsync(int number, string given) =>
            context.CallActivityAsync<string>(FaultApp.Activity, new Step(context.InstanceId, number, given));

        var first = await StepAsync(0, "-");
        var both = await Task.WhenAll(StepAsync(1, first), StepAsync(2, first));
        await context.CreateTimer(TimeSpan.FromMilliseconds(input));
        var last = await StepAsync(3, $"{both[0]}+{both[1]}");
        return [first, .. both, last];
    }
}
