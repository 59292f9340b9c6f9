namespace Souk.Gateway.Calls.Http2;

/// <summary>Headers or trailers in the order in which they came; names in lower case.</summary>
internal sealed class HeaderList : List<KeyValuePair<string, string>>
{
    /// <summary>The first value, or the empty text.</summary>
    public string Value(string name)
    {
        foreach (var (own, value) in this)
        {
            if (own == name)
                return value;
        }
        return "";
    }
}
