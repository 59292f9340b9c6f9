using System.Text;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Streams;

/// <summary>
/// Where in a stream a message is, by the option "position": clients see it as the id of an event, and a
/// field of the request takes the last one that they saw.
/// </summary>
internal static class StreamPosition
{
    private const string Header = "Last-Event-ID";
    private const int CharsMax = 256;

    /// <summary>Reads a message's position; false when it has none that can be told in a line.</summary>
    public static bool TryRead(Rpc rpc, ReadOnlySpan<byte> message, PooledBuffer position)
    {
        if (rpc.PositionOut is not { } field)
            return false;
        using var json = new PooledBuffer();
        WireToJson.Field(rpc.Output, field, message, json);
        var text = json.Written.Trim((byte)'"');
        if (text.IsEmpty || text.Length > CharsMax || text.Contains((byte)'\\'))
            return false;
        position.Append(text);
        return true;
    }

    /// <summary>
    /// Continues behind what the client saw last. It comes after the query, which the client repeats, and so
    /// wins.
    /// </summary>
    public static void Bind(Rpc rpc, IHeaderDictionary headers, PooledBuffer wire)
    {
        if (rpc.PositionIn is not { } field || headers[Header] is not [{ Length: > 0 } last])
            return;
        var isUsable = last.Length <= CharsMax && field.TryWrite(Encoding.UTF8.GetBytes(last), wire);
        if (!isUsable)
            throw BadRequestException.Invalid(Header, Expectations.Of(field.Leaf));
    }
}
