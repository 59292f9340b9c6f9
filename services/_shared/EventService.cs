using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Shared;

/// <summary>
/// Where the sidecar delivers events. Verdicts: SUCCESS once the effect has committed, now or before; DROP,
/// towards the dead-letter topic, for what no repeat can cure; RETRY for everything else.
/// </summary>
internal sealed partial class EventService(
    EventMap map,
    Db db,
    ServiceSettings settings,
    ILogger<EventService> logger
) : AppCallback.AppCallbackBase
{
    public override Task<ListTopicSubscriptionsResponse> ListTopicSubscriptions(
        Empty request,
        ServerCallContext context
    )
    {
        var response = new ListTopicSubscriptionsResponse();
        foreach (var topic in map.Topics)
        {
            response.Subscriptions.Add(
                new TopicSubscription
                {
                    PubsubName = settings.PubSub,
                    Topic = topic,
                    DeadLetterTopic = $"dead.{settings.AppId}",
                }
            );
        }
        return Task.FromResult(response);
    }

    public override Task<ListInputBindingsResponse> ListInputBindings(
        Empty request,
        ServerCallContext context
    ) => Task.FromResult(new ListInputBindingsResponse());

    public override async Task<TopicEventResponse> OnTopicEvent(
        TopicEventRequest request,
        ServerCallContext context
    ) => new() { Status = await HandleAsync(request, context.CancellationToken) };

    private async Task<Verdict> HandleAsync(TopicEventRequest request, CancellationToken token)
    {
        if (map.Find(request.Topic, request.Type) is not { } handler)
        {
            LogUnhandled(logger, request.Type, request.Topic);
            return Verdict.Success;
        }
        IMessage message;
        try
        {
            message = handler.Parse(request.Data.ToStringUtf8());
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or InvalidJsonException)
        {
            // Only the kind of mistake: the parser's message quotes the payload, which may hold personal
            // data.
            LogPoison(logger, request.Id, request.Topic, e.GetType().Name);
            return Verdict.Drop;
        }
        try
        {
            await db.InTransactionAsync(tx => HandleOnceAsync(tx, request, handler, message), token);
            return Verdict.Success;
        }
        catch (Exception e) when (!token.IsCancellationRequested)
        {
            LogFailed(logger, e, request.Id, request.Topic);
            return Verdict.Retry;
        }
    }

    private async Task HandleOnceAsync(
        DbTransaction tx,
        TopicEventRequest request,
        EventMap.EventHandler handler,
        IMessage message
    )
    {
        var token = tx.CancellationToken;
        if (
            await tx.ExecuteAsync(RememberSql, [settings.AppId, request.Id, tx.Clock.GetUtcNow()], token) == 0
        )
            return;
        await handler.Handle(message, new EventContext(request.Id, request.Topic, tx, token));
    }

    private const string RememberSql = """
        insert into inbox (consumer, event_id, received_at) values ($1, $2, $3) on conflict do nothing
        """;

    [LoggerMessage(LogLevel.Debug, "No handler for {Type} on {Topic}")]
    private static partial void LogUnhandled(ILogger logger, string type, string topic);

    [LoggerMessage(LogLevel.Error, "Event {EventId} on {Topic} goes to the dead letters: {Mistake}")]
    private static partial void LogPoison(ILogger logger, string eventId, string topic, string mistake);

    [LoggerMessage(LogLevel.Warning, "Event {EventId} on {Topic} failed and will be delivered again")]
    private static partial void LogFailed(ILogger logger, Exception error, string eventId, string topic);
}
