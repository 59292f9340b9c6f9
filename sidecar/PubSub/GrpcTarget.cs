using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>An app that takes events by gRPC callbacks.</summary>
internal sealed class GrpcTarget(AppChannel app, GrpcChannel channel, TimeProvider clock) : IBulkEventTarget
{
    private readonly AppCallback.AppCallbackClient _callbacks = new(channel);
    private readonly AppCallbackAlpha.AppCallbackAlphaClient _olderCallbacks = new(channel);

    public async Task<Answer> DeliverAsync(ReceivedEvent received, Ending ending)
    {
        if (!app.IsUp)
            return Answer.NotListening;
        using var place = await app.EnterAsync(ending.Draining);
        try
        {
            var response = await _callbacks.OnTopicEventAsync(
                received.Request,
                HeadersFor(received),
                cancellationToken: ending.Cut
            );
            return Answer.Of(response.Status);
        }
        catch (FormatException e)
        {
            return new Answer(Verdict.Retry, e.Message);
        }
        catch (RpcException e) when (!ending.Cut.IsCancellationRequested)
        {
            return Failed(e);
        }
    }

    public async Task<Answer[]> DeliverAllAsync(IReadOnlyList<ReceivedEvent> events, Ending ending)
    {
        if (!app.IsUp)
            return Answer.ForAll(events, Answer.NotListening);
        using var place = await app.EnterAsync(ending.Draining);
        try
        {
            var response = await CallAsync(RequestFor(events), ending.Cut);
            return Answer.ByEntry(
                events,
                response.Statuses.Select(entry => (entry.EntryId, Answer.Of(entry.Status)))
            );
        }
        catch (RpcException e) when (!ending.Cut.IsCancellationRequested)
        {
            return Answer.ForAll(events, Failed(e));
        }
    }

    public Task PauseAsync(TimeSpan delay, CancellationToken cancellation) =>
        app.DelayAsync(delay, cancellation);

    // Apps made before Dapr 1.17 know the callback by its older name only.
    private async Task<TopicEventBulkResponse> CallAsync(
        TopicEventBulkRequest request,
        CancellationToken cancellation
    )
    {
        var headers = app.Headers();
        try
        {
            return await _callbacks.OnBulkTopicEventAsync(request, headers, cancellationToken: cancellation);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            return await _olderCallbacks.OnBulkTopicEventAlpha1Async(
                request,
                headers,
                cancellationToken: cancellation
            );
        }
    }

    private TopicEventBulkRequest RequestFor(IReadOnlyList<ReceivedEvent> events)
    {
        var route = events[0].Route;
        var request = new TopicEventBulkRequest
        {
            Id = Guid.CreateVersion7(clock.GetUtcNow()).ToString(),
            Topic = route.Topic,
            PubsubName = route.PubSubName,
            Type = CloudEvents.BulkType,
            Path = events[0].Path ?? "",
        };
        foreach (var received in events)
        {
            var entry = new TopicEventBulkRequestEntry { EntryId = received.Message.Id };
            if (route.IsRaw)
            {
                entry.Bytes = ByteString.CopyFrom(received.Message.Data);
                entry.ContentType = CloudEvents.Binary;
            }
            else
            {
                entry.CloudEvent = GrpcEvents.ToCloudEvent(received);
                entry.ContentType = CloudEvents.ContentType;
            }
            foreach (var (name, value) in received.Message.Metadata)
                entry.Metadata.Add(name, value);
            request.Entries.Add(entry);
        }
        return request;
    }

    private Answer Failed(RpcException failure)
    {
        if (failure.StatusCode == StatusCode.Unimplemented)
            return new Answer(Verdict.Drop, "the app does not implement the callback")
            {
                IsUnimplemented = true,
            };
        app.Report(failure);
        return new Answer(Verdict.Retry, failure.Status.ToString()) { GrpcCode = failure.StatusCode };
    }

    private Metadata HeadersFor(ReceivedEvent received)
    {
        var headers = app.Headers();
        headers.Add("pubsubname", received.Route.PubSubName);
        foreach (var name in CloudEvents.TraceAttributes)
        {
            if (received.Text(name) is { Length: > 0 } trace)
                headers.Add(name, trace);
        }
        foreach (var (name, value) in received.Message.Metadata)
        {
            if (IsHeader(name, headers) && value.All(letter => letter is >= ' ' and <= '~'))
                headers.Add(name, value);
        }
        return headers;
    }

    // A publisher's words must not pass for gRPC's own, nor for the sidecar's.
    private static bool IsHeader(string name, Metadata own) =>
        name.Length > 0
        && !name.EndsWith("-bin", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("dapr-", StringComparison.OrdinalIgnoreCase)
        && own.Get(name.ToLowerInvariant()) is null
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');
}
