using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Souk.Sidecar.Files;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>An app that takes events by HTTP: a POST of the CloudEvent to the path of its route.</summary>
internal sealed class HttpTarget(AppChannel app, HttpAppChannel http, TimeProvider clock) : IBulkEventTarget
{
    private const string MetadataPrefix = "metadata.";

    public async Task<Answer> DeliverAsync(ReceivedEvent received, Ending ending)
    {
        if (!app.IsUp)
            return Answer.NotListening;
        using var request = Post(received.Path, received.Bytes, CloudEvents.ContentType);
        foreach (var name in CloudEvents.TraceAttributes)
        {
            if (received.Text(name) is { Length: > 0 } trace)
                request.Headers.TryAddWithoutValidation(name, trace);
        }
        foreach (var (name, value) in received.Message.Metadata)
            request.Headers.TryAddWithoutValidation(MetadataPrefix + name, value);
        var (failure, body) = await SendAsync(request, ending);
        return failure ?? VerdictOf(body);
    }

    public async Task<Answer[]> DeliverAllAsync(IReadOnlyList<ReceivedEvent> events, Ending ending)
    {
        if (!app.IsUp)
            return Answer.ForAll(events, Answer.NotListening);
        using var request = Post(events[0].Path, BodyOf(events), "application/json");
        var (failure, body) = await SendAsync(request, ending);
        return failure is { } answer
            ? Answer.ForAll(events, answer)
            : Answer.ByEntry(events, StatusesOf(body));
    }

    public Task PauseAsync(TimeSpan delay, CancellationToken cancellation) =>
        app.DelayAsync(delay, cancellation);

    // A body without a verdict is consent, a verdict that nobody knows is not.
    private static Answer VerdictOf(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Read(GoJson.Member(document.RootElement, "status"));
        }
        catch (JsonException)
        {
            return Answer.Of(Verdict.Success);
        }
    }

    private static List<(string, Answer)> StatusesOf(byte[] body)
    {
        var statuses = new List<(string, Answer)>();
        try
        {
            using var document = JsonDocument.Parse(body);
            var entries = GoJson.Member(document.RootElement, "statuses");
            for (var i = 0; i < entries?.GetArrayLength(); i++)
            {
                var entry = entries.Value[i];
                var id = GoJson.Member(entry, "entryId")?.GetString() ?? "";
                statuses.Add((id, Read(GoJson.Member(entry, "status"))));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What stands before the mistake counts; the rest has no status, which is an answer too.
        }
        return statuses;
    }

    private static Answer Read(JsonElement? status) =>
        status?.ToString().ToUpperInvariant() switch
        {
            null or "" or "SUCCESS" => Answer.Of(Verdict.Success),
            "RETRY" => Answer.Of(Verdict.Retry),
            "DROP" => Answer.Of(Verdict.Drop),
            var other => new Answer(Verdict.Retry, $"the app answered '{other}'"),
        };

    private async Task<(Answer? Failure, byte[] Body)> SendAsync(HttpRequestMessage request, Ending ending)
    {
        using var place = await app.EnterAsync(ending.Draining);
        var cancellation = ending.Cut;
        try
        {
            using var response = await http.SendAsync(request, cancellation);
            if (response.IsSuccessStatusCode)
                return (null, await response.Content.ReadAsByteArrayAsync(cancellation));
            var status = (int)response.StatusCode;
            var verdict = response.StatusCode == HttpStatusCode.NotFound ? Verdict.Drop : Verdict.Retry;
            return (new Answer(verdict, $"the app answered {status}") { HttpCode = status }, []);
        }
        catch (HttpRequestException e) when (!cancellation.IsCancellationRequested)
        {
            app.Report(e);
            return (new Answer(Verdict.Retry, e.Message), []);
        }
        catch (IOException e) when (!cancellation.IsCancellationRequested)
        {
            return (new Answer(Verdict.Retry, e.Message), []);
        }
    }

    private HttpRequestMessage Post(string? path, ReadOnlyMemory<byte> body, string contentType)
    {
        var content = new ReadOnlyMemoryContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        var request = http.Request(HttpMethod.Post, path ?? "");
        request.Content = content;
        return request;
    }

    private ReadOnlyMemory<byte> BodyOf(IReadOnlyList<ReceivedEvent> events)
    {
        var route = events[0].Route;
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("id", Guid.CreateVersion7(clock.GetUtcNow()));
            json.WriteStartArray("entries");
            foreach (var received in events)
                Write(json, received);
            json.WriteEndArray();
            json.WriteStartObject("metadata");
            json.WriteEndObject();
            json.WriteString("topic", route.Topic);
            json.WriteString("pubsubname", route.PubSubName);
            json.WriteString("type", CloudEvents.BulkType);
            json.WriteEndObject();
        }
        return output.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter json, ReceivedEvent received)
    {
        json.WriteStartObject();
        json.WriteString("entryId", received.Message.Id);
        if (received.Route.IsRaw)
            json.WriteBase64String("event", received.Message.Data);
        else
        {
            json.WritePropertyName("event");
            received.Envelope.WriteTo(json);
        }
        json.WriteString("contentType", received.Route.IsRaw ? CloudEvents.Binary : CloudEvents.ContentType);
        json.WriteStartObject("metadata");
        foreach (var (name, value) in received.Message.Metadata)
            json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
