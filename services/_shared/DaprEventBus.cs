using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;

namespace Souk.Shared;

/// <summary>
/// Publishes through the sidecar. It uses the generated client because the event id has to be the
/// CloudEvent's id: the SDK's own bulk publish takes metadata for the batch but not for an event.
/// </summary>
internal sealed class DaprEventBus(Sidecar sidecar, ServiceSettings settings) : IEventBus
{
    public async Task PublishAsync(string topic, IReadOnlyList<OutboxEvent> events, CancellationToken token)
    {
        var request = new BulkPublishRequest { PubsubName = settings.PubSub, Topic = topic };
        foreach (var published in events)
        {
            var id = published.Id.ToString();
            var entry = new BulkPublishRequestEntry
            {
                EntryId = id,
                ContentType = "application/json",
                Event = ByteString.CopyFromUtf8(published.Data),
                Metadata = { ["cloudevent.id"] = id, ["cloudevent.type"] = published.Type },
            };
            if (published.TraceParent is { } parent)
                entry.Metadata["cloudevent.traceparent"] = parent;
            request.Entries.Add(entry);
        }
        await sidecar.Dapr.BulkPublishEventAlpha1Async(request, cancellationToken: token);
    }
}
