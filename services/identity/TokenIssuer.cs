using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Souk.Options.V1;

namespace Souk.Identity;

/// <summary>Writes access tokens: compact JWTs (RFC 7519) signed with ES256.</summary>
internal sealed class TokenIssuer(SigningKeys keys, TimeProvider clock)
{
    /// <summary>How long a person's or a service's access token is good.</summary>
    public static readonly TimeSpan AccessLifetime = TimeSpan.FromMinutes(15);

    /// <summary>How long a guest's token is good: as long as a cart lives, for a guest cannot refresh
    /// it.</summary>
    public static readonly TimeSpan GuestLifetime = TimeSpan.FromDays(7);

    /// <summary>A token for the subject, such as "user_0198…", with these roles.</summary>
    public async Task<string> IssueAsync(
        string subject,
        RoleSet roles,
        TimeSpan lifetime,
        CancellationToken cancellationToken
    )
    {
        var signer = await keys.CurrentAsync(cancellationToken);
        var now = clock.GetUtcNow();
        var header = Part(json =>
        {
            json.WriteString("alg", "ES256");
            json.WriteString("typ", "JWT");
            json.WriteString("kid", signer.KeyId);
        });
        var payload = Part(json =>
        {
            json.WriteString("iss", TokenVerifier.Issuer);
            json.WriteString("aud", TokenVerifier.Issuer);
            json.WriteString("sub", subject);
            json.WriteStartArray("roles");
            foreach (var role in roles.Names())
            {
                json.WriteStringValue(role);
            }

            json.WriteEndArray();
            json.WriteNumber("iat", now.ToUnixTimeSeconds());
            json.WriteNumber("exp", (now + lifetime).ToUnixTimeSeconds());
            json.WriteString("jti", Ids.New(clock));
        });
        var signed = $"{header}.{payload}";
        return $"{signed}.{Base64Url.EncodeToString(signer.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>A service's token.</summary>
    public Task<string> IssueForServiceAsync(string appId, CancellationToken cancellationToken) =>
        IssueAsync($"svc_{appId}", RoleSet.Of(Role.Service), AccessLifetime, cancellationToken);

    /// <summary>What the tokens are checked with, the key that signs now first.</summary>
    public Task<IReadOnlyList<TokenKey>> KeysAsync(CancellationToken cancellationToken) =>
        keys.GetAsync(cancellationToken);

    private static string Part(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.WrittenSpan);
    }
}
