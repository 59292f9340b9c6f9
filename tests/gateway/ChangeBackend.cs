using System.Threading.Channels;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Tests.Gateway;

/// <summary>The part of a sidecar that streams events to those who subscribe.</summary>
internal sealed class ChangeBackend : DaprApi.DaprBase
{
    private static readonly string LongId = new('e', 2 * 1024 * 1024);

    private readonly Channel<TopicEventRequest?> _events = Channel.CreateUnbounded<TopicEventRequest?>();

    /// <summary>Whether it takes subscriptions.</summary>
    public bool IsOn { get; set; }

    /// <summary>What was subscribed to.</summary>
    public SubscribeTopicEventsRequestInitialAlpha1? Subscription { get; private set; }

    /// <summary>The verdicts on what was delivered.</summary>
    public Channel<SubscribeTopicEventsRequestProcessedAlpha1> Verdicts { get; } =
        Channel.CreateUnbounded<SubscribeTopicEventsRequestProcessedAlpha1>();

    /// <summary>Delivers an event and waits for the verdict.</summary>
    public async Task<SubscribeTopicEventsRequestProcessedAlpha1> PublishAsync(string id, string json)
    {
        await _events.Writer.WriteAsync(
            new TopicEventRequest { Id = id, Data = ByteString.CopyFromUtf8(json) }
        );
        return await Verdicts.Reader.ReadAsync();
    }

    /// <summary>Ends the subscription as a sidecar does that shuts down.</summary>
    public void End() => _events.Writer.TryWrite(null);

    /// <summary>Dies while it is told its verdict: the id is longer than what fits on the way.</summary>
    public void Die() =>
        _events.Writer.TryWrite(new TopicEventRequest { Id = LongId, Data = ByteString.CopyFromUtf8("{}") });

    public override async Task SubscribeTopicEventsAlpha1(
        IAsyncStreamReader<SubscribeTopicEventsRequestAlpha1> requestStream,
        IServerStreamWriter<SubscribeTopicEventsResponseAlpha1> responseStream,
        ServerCallContext context
    )
    {
        if (!IsOn)
            throw new RpcException(new Status(StatusCode.Unimplemented, "no pub/sub here"));
        await requestStream.MoveNext(context.CancellationToken);
        Subscription = requestStream.Current.InitialRequest;
        await responseStream.WriteAsync(
            new SubscribeTopicEventsResponseAlpha1 { InitialResponse = new() },
            context.CancellationToken
        );
        await foreach (var message in _events.Reader.ReadAllAsync(context.CancellationToken))
        {
            if (message is null)
                throw new RpcException(new Status(StatusCode.Unavailable, "shutting down"));
            await responseStream.WriteAsync(
                new SubscribeTopicEventsResponseAlpha1 { EventMessage = message },
                context.CancellationToken
            );
            if (message.Id == LongId)
            {
                var http = context.GetHttpContext();
                await http.Request.BodyReader.ReadAsync(context.CancellationToken);
                http.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
                return;
            }
            await requestStream.MoveNext(context.CancellationToken);
            await Verdicts.Writer.WriteAsync(requestStream.Current.EventProcessed);
        }
    }
}
