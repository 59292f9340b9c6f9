using System.Collections.Concurrent;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Souk.Bench.Sidecar;

/// <summary>The app behind the sidecar: echoes calls, and notes the events that it was sent.</summary>
internal sealed class MeasuredApp : AppCallback.AppCallbackBase, IAsyncDisposable
{
    internal const string PubSub = "pubsub";
    internal const string Topic = "bench";

    private static readonly TimeSpan DeliveryPatience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _expected = [];
    private readonly WebApplication _web;

    private MeasuredApp(int port)
    {
        var builder = Loopback.Builder((port, HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _web = builder.Build();
        _web.MapGrpcService<MeasuredApp>();
    }

    public static async Task<MeasuredApp> StartAsync(int port)
    {
        var app = new MeasuredApp(port);
        await app._web.StartAsync();
        return app;
    }

    /// <summary>Completes when an event with these bytes as data was delivered.</summary>
    public Task DeliveryOf(string data) =>
        _expected.GetOrAdd(data, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Publishes an event and returns when it was delivered.</summary>
    public static async Task PublishAsync(
        Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient client,
        MeasuredApp app,
        CancellationToken cancellation
    )
    {
        var data = Guid.CreateVersion7().ToString();
        var delivery = app.DeliveryOf(data);
        var publish = new PublishEventRequest
        {
            PubsubName = PubSub,
            Topic = Topic,
            Data = ByteString.CopyFromUtf8(data),
        };
        await client.PublishEventAsync(publish, null, null, cancellation);
        await delivery.WaitAsync(DeliveryPatience, cancellation);
    }

    public override Task<InvokeResponse> OnInvoke(InvokeRequest request, ServerCallContext context) =>
        Task.FromResult(new InvokeResponse { Data = request.Data });

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
        if (_expected.TryRemove(request.Data.ToStringUtf8(), out var waiting))
        {
            waiting.TrySetResult();
        }

        return Task.FromResult(new TopicEventResponse());
    }

    public ValueTask DisposeAsync() => _web.DisposeAsync();
}
