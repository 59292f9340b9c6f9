using System.Text;
using Souk.Sidecar.Api.Http;
using Souk.Sidecar.Proxy;

namespace Souk.Sidecar.Invoke;

/// <summary>
/// Whom an HTTP request is for, and the path there, as the caller wrote it and without its leading slash.
/// </summary>
internal sealed record InvokeTarget(string Id, string Path)
{
    private const string Prefix = "/v1.0/invoke/";
    private const string Separator = "/method/";
    private const string BasicUser = "dapr-app-id:";

    /// <summary>An address outside of Dapr rather than an app's id.</summary>
    public bool IsAddress =>
        Id.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || Id.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// By header, by the user of basic authentication, or by the path itself; null when none of them says.
    /// </summary>
    public static InvokeTarget? Of(ApiCall call)
    {
        var path = call.RawPath;
        if (IdOf(call) is { Length: > 0 } named)
            return new InvokeTarget(named, path.TrimStart('/'));
        if (!path.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var separator = path.IndexOf(Separator, Prefix.Length, StringComparison.Ordinal);
        if (separator <= Prefix.Length)
            return null;
        return new InvokeTarget(
            Uri.UnescapeDataString(path[Prefix.Length..separator]),
            path[(separator + Separator.Length)..]
        );
    }

    private static string? IdOf(ApiCall call)
    {
        if (call.Header(ForwardedHeaders.AppId) is { Length: > 0 } id)
            return id;
        var authorization = call.Header("authorization");
        if (!authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
            return null;
        var decoded = new byte[authorization.Length];
        if (!Convert.TryFromBase64String(authorization["Basic ".Length..].Trim(), decoded, out var length))
            return null;
        var user = Encoding.UTF8.GetString(decoded, 0, length);
        return user.StartsWith(BasicUser, StringComparison.Ordinal) ? user[BasicUser.Length..] : null;
    }
}
