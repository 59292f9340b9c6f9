using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Souk.Tests.Sidecar;

/// <summary>What came back by HTTP.</summary>
internal sealed record HttpAnswer(int Status, string Body, HttpResponseHeaders Headers, string ContentType)
{
    internal JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

    internal string Header(string name) =>
        Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : "";

    /// <summary>
    /// Status, code and reason of Dapr's error document; the reason is empty without details.
    /// </summary>
    internal (int Status, string Code, string Reason) Error =>
        (
            Status,
            Json.GetProperty("errorCode").GetString() ?? "",
            Json.TryGetProperty("details", out var details)
                ? details[0].GetProperty("reason").GetString() ?? ""
                : ""
        );

    internal string Message => Json.GetProperty("message").GetString() ?? "";
}

/// <summary>A caller of a sidecar's HTTP port.</summary>
internal sealed class HttpCaller(int port) : IDisposable
{
    private readonly HttpClient _client = new()
    {
        BaseAddress = new Uri($"http://127.0.0.1:{port}"),
        Timeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>
    /// Goes with a body that is refused unread: otherwise the refusal may come while the body is still on its
    /// way, and break the connection.
    /// </summary>
    internal static (string Name, string Value) Waiting => ("expect", "100-continue");

    internal Task<HttpAnswer> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync("GET", path, null, headers);

    internal Task<HttpAnswer> PostAsync(
        string path,
        string body,
        params (string Name, string Value)[] headers
    ) => SendAsync("POST", path, body, headers);

    internal async Task<HttpAnswer> SendAsync(
        string method,
        string path,
        string? body = null,
        params (string Name, string Value)[] headers
    )
    {
        var asWritten = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        var uri = new Uri($"http://127.0.0.1:{port}{path}", asWritten);
        using var request = new HttpRequestMessage(new HttpMethod(method), uri);
        if (body is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (body is not null && headers.All(header => header.Name != "content-type"))
            request.Content?.Headers.TryAddWithoutValidation("content-type", "application/json");
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content?.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await _client.SendAsync(request);
        return new HttpAnswer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Headers,
            response.Content.Headers.ContentType?.ToString() ?? ""
        );
    }

    public void Dispose() => _client.Dispose();
}
