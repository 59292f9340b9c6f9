namespace Souk.Gateway.Calls.Http2;

/// <summary>The headers that HPACK knows by number (RFC 7541, Appendix A).</summary>
internal static class HpackTable
{
    private static readonly (string Name, string Value)[] Entries =
    [
        (":authority", ""),
        (":method", "GET"),
        (":method", "POST"),
        (":path", "/"),
        (":path", "/index.html"),
        (":scheme", "http"),
        (":scheme", "https"),
        (":status", "200"),
        (":status", "204"),
        (":status", "206"),
        (":status", "304"),
        (":status", "400"),
        (":status", "404"),
        (":status", "500"),
        ("accept-charset", ""),
        ("accept-encoding", "gzip, deflate"),
        .. Names(
            "accept-language accept-ranges accept access-control-allow-origin age allow authorization"
                + " cache-control content-disposition content-encoding content-language content-length"
                + " content-location content-range content-type cookie date etag expect expires from host"
                + " if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link"
                + " location max-forwards proxy-authenticate proxy-authorization range referer refresh"
                + " retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary"
                + " via www-authenticate"
        ),
    ];

    /// <summary>The entry; the first one's index is 1.</summary>
    public static (string Name, string Value) At(int index) =>
        index > 0 && index <= Entries.Length
            ? Entries[index - 1]
            : throw HpackReader.Broken("A header names an index that neither table has.");

    private static IEnumerable<(string, string)> Names(string names) =>
        names.Split(' ').Select(name => (name, ""));
}
