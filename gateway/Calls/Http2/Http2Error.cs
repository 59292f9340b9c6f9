namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// Error codes of RST_STREAM and GOAWAY (RFC 9113, section 7), as far as we give or look for them.
/// </summary>
internal enum Http2Error
{
    NoError = 0,
    Protocol = 1,
    Internal = 2,
    FlowControl = 3,
    FrameSize = 6,
    RefusedStream = 7,
    Cancel = 8,
    Compression = 9,
    EnhanceYourCalm = 11,
}
