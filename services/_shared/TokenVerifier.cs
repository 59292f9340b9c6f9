using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Souk.Type;

namespace Souk.Shared;

/// <summary>
/// Checks bearer tokens offline: ES256 only, our issuer and audience, not ended, a known key. The key set is
/// cached and fetched again for an unknown key id, at most every few seconds; verified tokens are cached
/// until they end.
/// </summary>
public sealed partial class TokenVerifier(
    ITokenKeySource source,
    TimeProvider clock,
    ILogger<TokenVerifier> logger
) : IDisposable
{
    /// <summary>The issuer and the audience of every token.</summary>
    public const string Issuer = "souk";

    private const int TokenLengthMax = 4096;
    private const int CachedTokensMax = 20_000;
    private static readonly TimeSpan KeysMaxAge = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan KeysMinAge = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(30);

    private readonly BoundedCache<string, Caller> _verified = new(CachedTokensMax / 2);
    private readonly SemaphoreSlim _fetch = new(1, 1);
    private volatile KeySet? _keys;

    /// <summary>
    /// The caller that the token names; UNAUTHENTICATED with the reason when it is not good.
    /// </summary>
    public ValueTask<Caller> VerifyAsync(string bearer, CancellationToken token)
    {
        if (!_verified.TryGet(bearer, out var caller))
            return VerifyNewAsync(bearer, token);
        if (caller.ExpiresAt > clock.GetUtcNow())
            return ValueTask.FromResult(caller);
        _verified.Remove(bearer);
        throw Expired();
    }

    /// <inheritdoc />
    public void Dispose() => _fetch.Dispose();

    private async ValueTask<Caller> VerifyNewAsync(string bearer, CancellationToken token)
    {
        var (header, payload, signed, signature) = Split(bearer);
        using var head = ParseJson(header);
        // Only the algorithm that we sign with: accepting what a token asks for lets it choose "none".
        if (Text(head, "alg") != "ES256")
            throw Invalid();
        var key = await KeyAsync(Text(head, "kid"), token) ?? throw Invalid();
        if (!key.Verifies(Encoding.ASCII.GetBytes(signed), signature))
            throw Invalid();
        using var claims = ParseJson(payload);
        var caller = Read(claims);
        _verified.Set(bearer, caller);
        return caller;
    }

    private Caller Read(JsonDocument claims)
    {
        var now = clock.GetUtcNow();
        if (Text(claims, "iss") != Issuer || Text(claims, "aud") != Issuer || Text(claims, "sub").Length == 0)
            throw Invalid();
        if (Instant(claims, "exp") is not { } expiresAt)
            throw Invalid();
        if (expiresAt <= now)
            throw Expired();
        if (Instant(claims, "nbf") > now + Leeway || Instant(claims, "iat") > now + Leeway)
            throw Invalid();
        var roles =
            claims.RootElement.TryGetProperty("roles", out var list) && list.ValueKind == JsonValueKind.Array
                ? list.EnumerateArray()
                    .Where(role => role.ValueKind == JsonValueKind.String)
                    .Select(role => role.GetString() ?? "")
                : [];
        return new Caller
        {
            UserId = Text(claims, "sub"),
            Roles = RoleSet.OfNames(roles),
            ExpiresAt = expiresAt,
        };
    }

    private async ValueTask<TokenKey?> KeyAsync(string keyId, CancellationToken token)
    {
        if (Fresh(keyId) is { } known)
            return known.Find(keyId);
        await _fetch.WaitAsync(token);
        try
        {
            if (Fresh(keyId) is { } fetched)
                return fetched.Find(keyId);
            _keys = new KeySet(await source.GetAsync(token), clock.GetUtcNow());
            return _keys.Find(keyId);
        }
        catch (RpcException e) when (_keys?.Find(keyId) is { } old)
        {
            // Signatures do not age: better an old set than nobody signed in while the keys' owner restarts.
            LogStale(logger, e.StatusCode);
            _keys = _keys with { FetchedAt = clock.GetUtcNow() - KeysMaxAge + KeysMinAge };
            return old;
        }
        finally
        {
            _fetch.Release();
        }
    }

    // The set answers while it is young, or has the key and is not old: garbage key ids cannot make us fetch
    // in a loop.
    private KeySet? Fresh(string keyId)
    {
        if (_keys is not { } keys)
            return null;
        var age = clock.GetUtcNow() - keys.FetchedAt;
        return age < KeysMinAge || (age < KeysMaxAge && keys.Find(keyId) is not null) ? keys : null;
    }

    private static (byte[] Header, byte[] Payload, string Signed, byte[] Signature) Split(string bearer)
    {
        if (bearer.Length > TokenLengthMax)
            throw Invalid();
        var first = bearer.IndexOf('.', StringComparison.Ordinal);
        var last = bearer.LastIndexOf('.');
        if (first < 1 || last <= first)
            throw Invalid();
        try
        {
            return (
                Base64Url.DecodeFromChars(bearer.AsSpan(0, first)),
                Base64Url.DecodeFromChars(bearer.AsSpan(first + 1, last - first - 1)),
                bearer[..last],
                Base64Url.DecodeFromChars(bearer.AsSpan(last + 1))
            );
        }
        catch (FormatException)
        {
            throw Invalid();
        }
    }

    private static JsonDocument ParseJson(byte[] json)
    {
        try
        {
            var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document : throw Invalid();
        }
        catch (JsonException)
        {
            throw Invalid();
        }
    }

    private static string Text(JsonDocument json, string name)
    {
        try
        {
            return
                json.RootElement.TryGetProperty(name, out var value)
                && value.ValueKind == JsonValueKind.String
                ? value.GetString() ?? ""
                : "";
        }
        catch (InvalidOperationException)
        {
            // The parser lets pass what is no Unicode: bytes that are no UTF-8, half a surrogate pair.
            throw Invalid();
        }
    }

    private static DateTimeOffset? Instant(JsonDocument json, string name) =>
        json.RootElement.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var seconds)
        && seconds is >= 0 and <= 253_402_300_799 // the last second of the year 9999
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    private static Exception Invalid() =>
        Fault.Unauthenticated(Reason.TokenInvalid, "The access token is not valid.");

    private static Exception Expired() =>
        Fault.Unauthenticated(Reason.TokenExpired, "The access token has expired.");

    private sealed record KeySet(IReadOnlyList<TokenKey> Keys, DateTimeOffset FetchedAt)
    {
        internal TokenKey? Find(string keyId) => Keys.FirstOrDefault(key => key.KeyId == keyId);
    }

    [LoggerMessage(LogLevel.Warning, "Token keys cannot be fetched ({Code}); the old ones go on")]
    private static partial void LogStale(ILogger logger, StatusCode code);
}
