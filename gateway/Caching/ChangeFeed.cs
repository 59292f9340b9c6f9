using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Grpc.Net.Client;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Gateway.Caching;

/// <summary>
/// Hears of changes: a streaming subscription to cache.invalidate at the own sidecar. Opened from
/// here, it needs no port that others could send events to. While it is down, the cache keeps nothing for
/// long.
/// </summary>
internal sealed partial class ChangeFeed(
    OutputCache cache,
    GatewaySettings settings,
    TimeProvider clock,
    ILogger<ChangeFeed> logger
) : BackgroundService
{
    private const string Topic = "cache.invalidate";
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (cache.Fields.Count == 0)
            return;
        var pause = PauseMin;
        // The channel pauses between its tries, too; not for longer than this feed does.
        using var channel = GrpcChannel.ForAddress(
            $"http://127.0.0.1:{settings.SidecarPort}",
            new GrpcChannelOptions { MaxReconnectBackoff = PauseMax }
        );
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await FollowAsync(new DaprApi.DaprClient(channel), stoppingToken))
                    pause = PauseMin;
                await Task.Delay(pause, clock, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, PauseMax.Ticks));
        }
    }

    /// <summary>Whether there was a subscription until it ended.</summary>
    private async Task<bool> FollowAsync(DaprApi.DaprClient dapr, CancellationToken token)
    {
        var isHeard = false;
        try
        {
            using var stream = dapr.SubscribeTopicEventsAlpha1(Headers(), null, token);
            await stream.RequestStream.WriteAsync(Opening(), token);
            await foreach (var said in stream.ResponseStream.ReadAllAsync(token))
            {
                if (said.EventMessage is { } message)
                {
                    Take(message);
                    await stream.RequestStream.WriteAsync(Taken(message.Id), token);
                }
                else if (said.InitialResponse is not null)
                {
                    isHeard = true;
                    cache.Listen();
                }
            }
        }
        catch (Exception e)
            when (e is RpcException or IOException or HttpRequestException or ObjectDisposedException)
        {
            // Of a connection that breaks while it writes gRPC's client tells in HTTP's words, of all else in
            // its own.
            var end = (e as RpcException)?.Status ?? new Status(StatusCode.Unavailable, e.Message);
            if (!token.IsCancellationRequested)
                LogDown(logger, end.StatusCode.ToString(), end.Detail);
        }
        finally
        {
            if (isHeard)
                cache.Deafen();
        }
        return isHeard;
    }

    // {"product_id": "prod_…", "version": "7"}
    private void Take(TopicEventRequest message)
    {
        try
        {
            using var json = JsonDocument.Parse(message.Data.Memory);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                return;
            foreach (var field in cache.Fields)
            {
                if (
                    json.RootElement.TryGetProperty(field, out var value)
                    && value.ValueKind == JsonValueKind.String
                    && value.GetString() is { } text
                )
                    cache.Forget(field, text);
            }
        }
        catch (JsonException)
        {
            // It will not become JSON by being sent again.
            LogUnreadable(logger, message.Id);
        }
    }

    private Metadata Headers() =>
        settings.SidecarToken.Length == 0 ? [] : new Metadata { { "dapr-api-token", settings.SidecarToken } };

    private SubscribeTopicEventsRequestAlpha1 Opening() =>
        new()
        {
            InitialRequest = new SubscribeTopicEventsRequestInitialAlpha1
            {
                PubsubName = settings.PubSub,
                Topic = Topic,
            },
        };

    private static SubscribeTopicEventsRequestAlpha1 Taken(string id) =>
        new()
        {
            EventProcessed = new SubscribeTopicEventsRequestProcessedAlpha1
            {
                Id = id,
                Status = new TopicEventResponse
                {
                    Status = TopicEventResponse.Types.TopicEventResponseStatus.Success,
                },
            },
        };

    [LoggerMessage(LogLevel.Warning, "No news of changes, the cache keeps nothing for long: {Code} {Detail}")]
    private static partial void LogDown(ILogger logger, string code, string detail);

    [LoggerMessage(LogLevel.Warning, "Event {EventId} of cache.invalidate is not JSON")]
    private static partial void LogUnreadable(ILogger logger, string eventId);
}
