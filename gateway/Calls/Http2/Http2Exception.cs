namespace Souk.Gateway.Calls.Http2;

/// <summary>The server broke the protocol: its connection can be used no further.</summary>
internal sealed class Http2Exception(Http2Error error, string message) : IOException(message)
{
    public Http2Error Error { get; } = error;
}
