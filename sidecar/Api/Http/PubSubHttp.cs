using System.Text;
using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Souk.Sidecar.Files;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.Api.Http;

/// <summary>Publishing over HTTP. A topic may contain slashes.</summary>
internal sealed class PubSubHttp(TimeProvider clock)
{
    public void Map(ApiRoutes routes)
    {
        routes.Write("/v1.0/publish/{pubsub}/{**topic}", PublishAsync);
        routes.Write("/v1.0/publish/bulk/{pubsub}/{**topic}", PublishBulkAsync);
        routes.Write("/v1.0-alpha1/publish/bulk/{pubsub}/{**topic}", PublishBulkAsync);
        // What has no name in its path, which no parameter matches.
        routes.Write("/v1.0/publish/{**rest}", call => throw DaprFault.PubSubNameEmpty(call.App));
    }

    private async Task PublishAsync(ApiCall call)
    {
        var request = new PublishEventRequest
        {
            PubsubName = call.Value("pubsub"),
            Topic = call.Value("topic"),
            Data = UnsafeByteOperations.UnsafeWrap(await call.BodyAsync()),
            DataContentType = call.Header("content-type"),
        };
        request.Metadata.Add(call.Metadata());
        await PubSubApi.PublishAsync(call.App, request, call.Trace, clock, call.Cancellation);
        await call.NoContentAsync();
    }

    private async Task PublishBulkAsync(ApiCall call)
    {
        var request = new BulkPublishRequest
        {
            PubsubName = call.Value("pubsub"),
            Topic = call.Value("topic"),
        };
        request.Metadata.Add(call.Metadata());
        PubSubApi.CheckAddress(call.App, request.PubsubName, request.Topic);
        request.Entries.AddRange(await EntriesAsync(call, request));
        var failed = await PubSubApi.PublishBulkAsync(
            call.App,
            request,
            call.Trace,
            clock,
            call.Cancellation
        );
        if (failed.Count == 0)
        {
            await call.NoContentAsync();
            return;
        }
        call.Context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        await call.AnswerAsync(json => Write(json, failed));
    }

    private static void Write(
        Utf8JsonWriter json,
        IReadOnlyList<BulkPublishResponseFailedEntry> failedEntries
    )
    {
        json.WriteStartObject();
        json.WriteString("errorCode", "ERR_PUBSUB_PUBLISH_MESSAGE");
        json.WriteStartArray("failedEntries");
        foreach (var failed in failedEntries)
        {
            json.WriteStartObject();
            json.WriteString("entryId", failed.EntryId);
            json.WriteString("error", failed.Error);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static async Task<List<BulkPublishRequestEntry>> EntriesAsync(
        ApiCall call,
        BulkPublishRequest request
    )
    {
        var entries = new List<BulkPublishRequestEntry>();
        try
        {
            using var document = JsonDocument.Parse(await call.BodyAsync());
            foreach (var item in document.RootElement.EnumerateArray())
                entries.Add(EntryOf(item));
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw DaprFault.BulkEntries(call.App, request.PubsubName, request.Topic, e.Message);
        }
        return entries;
    }

    private static BulkPublishRequestEntry EntryOf(JsonElement item)
    {
        var entry = new BulkPublishRequestEntry
        {
            EntryId = GoJson.Member(item, "entryId")?.GetString() ?? "",
            ContentType = GoJson.Member(item, "contentType")?.GetString() ?? "",
        };
        if (GoJson.Member(item, "event") is { } data)
            entry.Event = UnsafeByteOperations.UnsafeWrap(BytesOf(data, entry.ContentType));
        if (GoJson.Member(item, "metadata") is { } metadata)
        {
            foreach (var member in metadata.EnumerateObject())
                entry.Metadata[member.Name] = member.Value.ToString();
        }
        return entry;
    }

    // The event has to be of the kind that its content type says.
    private static byte[] BytesOf(JsonElement data, string contentType)
    {
        if (CloudEvents.IsJson(contentType))
            return CloudEvents.Compact(data);
        if (data.ValueKind != JsonValueKind.String)
            throw new FormatException($"an event of type '{contentType}' must be a string");
        return CloudEvents.IsBinary(contentType)
            ? data.GetBytesFromBase64()
            : Encoding.UTF8.GetBytes(data.GetString() ?? "");
    }
}
