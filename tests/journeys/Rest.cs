using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>What REST answered.</summary>
internal sealed record Reply(int Status, JsonNode? Body)
{
    /// <summary>The body as it was sent.</summary>
    internal string Raw { get; init; } = "";

    /// <summary>Why a call failed; empty for one that did not.</summary>
    internal string Reason => Status < 400 ? "" : Text("reason");

    /// <summary>A member of the body as text; empty when it is absent.</summary>
    internal string Text(string member) => (Body as JsonObject)?[member]?.ToString() ?? "";

    internal JsonNode? this[string member] => (Body as JsonObject)?[member];

    /// <summary>The members of a list.</summary>
    internal IReadOnlyList<JsonObject> List(string member) =>
        (this[member] as JsonArray)?.Select(node => node!.AsObject()).ToList() ?? [];

    /// <summary>This reply when it is a success; otherwise the test fails.</summary>
    internal Reply Ok() => Status is >= 200 and < 300 ? this : throw new AssertionException($"{this}");

    public override string ToString() => $"{Status} {Body?.ToJsonString()}";
}

/// <summary>A call to be made.</summary>
internal sealed record Call(HttpMethod Method, string Path)
{
    internal string? Token { get; init; }

    /// <summary>What is sent as JSON, which a test of bad input need not be.</summary>
    internal string? Body { get; init; }

    /// <summary>The Idempotency-Key header; null sends none.</summary>
    internal string? Key { get; init; }

    /// <summary>Seconds to wait for the final state; 0 sends no Prefer header.</summary>
    internal int Wait { get; init; }

    internal static Call Get(string path) => new(HttpMethod.Get, path);

    /// <summary>A POST with a key of its own.</summary>
    internal static Call Post(string path, JsonNode? body = null) =>
        new(HttpMethod.Post, path)
        {
            Body = (body ?? new JsonObject()).ToJsonString(),
            Key = Guid.CreateVersion7().ToString(),
        };

    internal static Call Put(string path, JsonNode body) =>
        new(HttpMethod.Put, path) { Body = body.ToJsonString() };

    internal static Call Delete(string path) => new(HttpMethod.Delete, path);
}

/// <summary>Speaks REST with the gateway.</summary>
internal sealed class Rest(Uri gateway) : IDisposable
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http = new(
        new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) }
    )
    {
        BaseAddress = gateway,
        Timeout = CallTimeout,
    };

    internal async Task<Reply> SendAsync(Call call)
    {
        using var request = new HttpRequestMessage(call.Method, call.Path);
        if (call.Body is not null)
            request.Content = new StringContent(call.Body, Encoding.UTF8, "application/json");
        if (call.Token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", call.Token);
        if (call.Key is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", call.Key);
        if (call.Wait > 0)
            request.Headers.Add("Prefer", $"wait={call.Wait}");
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var body = text.Length == 0 ? null : JsonNode.Parse(text);
        return new Reply((int)response.StatusCode, body) { Raw = text };
    }

    internal async Task<bool> IsReadyAsync()
    {
        try
        {
            using var response = await _http.GetAsync("/ready");
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public void Dispose() => _http.Dispose();
}
