using System.Net;
using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Souk.Sidecar.PubSub;

/// <summary>Asks an app, when it has come up, which topics it wants.</summary>
internal sealed partial class SubscriptionSource(SidecarApp app, TimeProvider clock, ILogger logger)
{
    private const int RefusalsMax = 4;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly ListedSubscriptions _reader = new(app.AppId, logger);

    /// <summary>Null when the app went down again before it could say.</summary>
    public async Task<List<TopicRoute>?> ListAsync(CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (app.Channel.Http is { } http)
                    return await AskAsync(http, isLast: attempt >= RefusalsMax, cancellation);
                return app.Channel.Callbacks is { } callbacks ? await AskAsync(callbacks, cancellation) : [];
            }
            catch (RpcException e) when (!cancellation.IsCancellationRequested)
            {
                app.Channel.Report(e);
                LogListFailed(logger, app.AppId, e.Status.ToString());
            }
            catch (HttpRequestException e) when (!cancellation.IsCancellationRequested)
            {
                app.Channel.Report(e);
                LogListFailed(logger, app.AppId, e.Message);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                LogListFailed(logger, app.AppId, "it took too long");
            }
            if (!app.Channel.IsUp)
                return null;
            await Task.Delay(RetryDelay, clock, cancellation);
        }
    }

    private async Task<List<TopicRoute>> AskAsync(
        AppCallback.AppCallbackClient callbacks,
        CancellationToken cancellation
    )
    {
        try
        {
            var deadline = clock.GetUtcNow().Add(Timeout).UtcDateTime;
            return _reader.Read(
                await callbacks.ListTopicSubscriptionsAsync(
                    new Empty(),
                    app.Channel.Headers(),
                    deadline,
                    cancellation
                )
            );
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            return [];
        }
    }

    private async Task<List<TopicRoute>> AskAsync(
        HttpAppChannel http,
        bool isLast,
        CancellationToken cancellation
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Timeout);
        using var request = http.Request(HttpMethod.Get, "/dapr/subscribe");
        using var response = await http.SendAsync(request, limit.Token);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.NoContent)
            return [];
        if (!response.IsSuccessStatusCode)
        {
            var refusal = new HttpRequestException($"it answered {(int)response.StatusCode}");
            if (!isLast)
                throw refusal;
            // Whoever answers this way for so long does not know the path: Dapr goes on without, too.
            LogListFailed(logger, app.AppId, refusal.Message);
            return [];
        }
        var body = await response.Content.ReadAsByteArrayAsync(limit.Token);
        try
        {
            using var document = JsonDocument.Parse(body);
            return _reader.Read(document.RootElement);
        }
        catch (JsonException e)
        {
            LogListFailed(logger, app.AppId, e.Message);
            return [];
        }
    }

    [LoggerMessage(LogLevel.Warning, "{App} did not list its subscriptions: {Reason}")]
    private static partial void LogListFailed(ILogger logger, string app, string reason);
}
