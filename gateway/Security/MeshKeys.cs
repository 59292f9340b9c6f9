using System.Buffers.Text;
using Souk.Gateway.Calls;
using Souk.Identity.V1;
using Souk.Shared;
using Reason = Souk.Type.Reason;

namespace Souk.Gateway.Security;

/// <summary>The public keys of identity's tokens, through the mesh.</summary>
internal sealed class MeshKeys(Backend backend) : ITokenKeySource
{
    private const string AppId = "identity";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);
    private static readonly string Path = $"/{IdentityService.Descriptor.FullName}/GetKeySet";

    public async Task<IReadOnlyList<TokenKey>> GetAsync(CancellationToken token)
    {
        using var call = new GrpcCall(AppId, Path) { Deadline = Timeout };
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(token);
        timeout.CancelAfter(Timeout);
        try
        {
            using var reply = await backend.SendAsync(call, timeout.Token);
            if (!await reply.NextAsync(timeout.Token))
                throw Unavailable();
            return [.. KeySet.Parser.ParseFrom(reply.Message).Keys.Where(IsUsable).Select(KeyOf)];
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            token.ThrowIfCancellationRequested();
            throw Unavailable();
        }
    }

    private static bool IsUsable(Key key) => key is { Kty: "EC", Crv: "P-256" };

    private static TokenKey KeyOf(Key key) =>
        new(key.Kid, Base64Url.DecodeFromChars(key.X), Base64Url.DecodeFromChars(key.Y));

    private static Exception Unavailable() =>
        Fault.Unavailable(
            Reason.DependencyUnavailable,
            "Tokens cannot be checked now.",
            TimeSpan.FromSeconds(1)
        );
}
