using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Tool;

/// <summary>
/// Speaks REST with the gateway. With a patience above zero it repeats what failed for a passing reason; only
/// callers whose requests are safe to repeat ask for that.
/// </summary>
internal sealed class ShopClient(HttpClient http, TimeProvider clock, TimeSpan patience)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    public static ShopClient For(Uri shop, TimeSpan patience)
    {
        var handler = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(2) };
        var http = new HttpClient(handler) { BaseAddress = shop, Timeout = TimeSpan.FromSeconds(60) };
        return new ShopClient(http, TimeProvider.System, patience);
    }

    public Task<ShopReply> GetAsync(string path, Session? session, CancellationToken cancel) =>
        SendAsync(new ShopRequest(HttpMethod.Get, path) { Session = session }, cancel);

    public Task<ShopReply> PostAsync(
        string path,
        JsonNode? body,
        Session? session,
        CancellationToken cancel
    ) =>
        SendAsync(
            new ShopRequest(HttpMethod.Post, path) { Body = body ?? new JsonObject(), Session = session },
            cancel
        );

    public async Task<Session> LoginAsync(Account account, CancellationToken cancel)
    {
        var body = new JsonObject { ["email"] = account.Email, ["password"] = account.Password };
        var tokens = (await PostAsync("/api/v1/users/login", body, null, cancel)).Expect(
            $"sign in as {account.Email}"
        );
        return new Session(account, tokens);
    }

    public async Task<ShopReply> SendAsync(ShopRequest request, CancellationToken cancel)
    {
        var deadline = clock.GetTimestamp() + (long)(patience.TotalSeconds * clock.TimestampFrequency);
        for (var pause = FirstPause; ; pause = Min(pause * 2, LongestPause))
        {
            var reply = await TrySendAsync(request, cancel);
            if (reply is { Status: 401 } && request.Session is { } session && clock.GetTimestamp() < deadline)
            {
                // A load can outlive its 15 minute token.
                session.Renew(await LoginAsync(session.Account, cancel));
                reply = await TrySendAsync(request, cancel);
            }
            if (reply is { Transient: false })
                return reply;
            if (clock.GetTimestamp() >= deadline)
            {
                return reply
                    ?? throw new ToolException(
                        $"{http.BaseAddress} does not answer. `make up` starts the mesh, `make logs` follows it."
                    );
            }
            await Task.Delay(reply?.RetryAfter ?? pause, clock, cancel);
        }
    }

    /// <summary>Null when there was no answer at all.</summary>
    private async Task<ShopReply?> TrySendAsync(ShopRequest request, CancellationToken cancel)
    {
        using var message = ToMessage(request);
        try
        {
            using var response = await http.SendAsync(message, cancel);
            var text = await response.Content.ReadAsStringAsync(cancel);
            return new ShopReply(
                (int)response.StatusCode,
                ParseOrNull(text),
                response.Headers.RetryAfter?.Delta
            );
        }
        catch (HttpRequestException)
        {
            return null;
        }
        catch (TaskCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    private static HttpRequestMessage ToMessage(ShopRequest request)
    {
        var message = new HttpRequestMessage(request.Method, request.Path);
        if (request.Session is { } session)
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", session.AccessToken);
        if (request.IdempotencyKey is { } key)
            message.Headers.Add("Idempotency-Key", key.ToString());
        if (request.WaitSeconds is { } seconds)
            message.Headers.Add("Prefer", $"wait={seconds}");
        if (request.Body is { } body)
            message.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        return message;
    }

    // A proxy in front of the gateway may answer with something else than JSON.
    private static JsonNode? ParseOrNull(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}

/// <summary>One call of the gateway.</summary>
internal sealed record ShopRequest(HttpMethod Method, string Path)
{
    public JsonNode? Body { get; init; }
    public Session? Session { get; init; }
    public Guid? IdempotencyKey { get; init; }
    public int? WaitSeconds { get; init; }
}

/// <summary>A signed-in account; shared by many calls at once.</summary>
internal sealed class Session(Account account, JsonNode tokens)
{
    private volatile string _accessToken = Member(tokens, "access_token");

    public Account Account { get; } = account;
    public string UserId { get; } = Member(tokens, "user_id");
    public string AccessToken => _accessToken;

    public void Renew(Session newer) => _accessToken = newer.AccessToken;

    private static string Member(JsonNode tokens, string name) =>
        tokens[name]?.GetValue<string>() ?? throw new ToolException($"The login's answer has no {name}.");
}
