using System.Text.Json.Nodes;

namespace Souk.Tool;

/// <summary>What the gateway answered: a resource, or a problem document (RFC 9457).</summary>
internal sealed record ShopReply(int Status, JsonNode? Body, TimeSpan? RetryAfter)
{
    public bool Ok => Status is >= 200 and < 300;

    /// <summary>Worth another try: the shop is busy or a part of it is away.</summary>
    public bool Transient => Status is 429 or 502 or 503 or 504;

    /// <summary>Such as OUT_OF_STOCK; "HTTP 500" for an answer that is not the gateway's.</summary>
    public string Reason => Text("reason") ?? $"HTTP {Status}";

    public string Detail => Text("detail") ?? "";

    /// <summary>The text of a member of the answer, or null.</summary>
    public string? Text(string member) =>
        Body is JsonObject body && body[member] is JsonValue value && value.TryGetValue<string>(out var text)
            ? text
            : null;

    /// <summary>The answer's body when the call succeeded; otherwise the command ends with its
    /// reason.</summary>
    public JsonNode Expect(string what) =>
        Ok && Body is not null
            ? Body
            : throw new ToolException($"{what}: {Status} {Reason}. {Detail}".Trim());
}
