namespace Souk.Sidecar.Redis;

/// <summary>A script, and the name under which servers cache it once one has told.</summary>
internal sealed class LuaScript(string text)
{
    public string Text { get; } = text;

    /// <summary>Every server gives the same text the same name. Null until the first has.</summary>
    public string? Sha { get; set; }
}
