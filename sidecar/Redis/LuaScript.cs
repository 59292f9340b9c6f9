using System.Security.Cryptography;
using System.Text;

namespace Souk.Sidecar.Redis;

/// <summary>A script and the name under which the server caches it.</summary>
internal sealed class LuaScript(string text)
{
    public string Text { get; } = text;

    // Redis itself names scripts by SHA-1; nothing here relies on it being hard to forge.
    public string Sha { get; } = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text)));
}
