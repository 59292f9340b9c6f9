namespace Souk.Gateway.Calls.Http2;

/// <summary>Why a stream or a connection ends, as both sides name it.</summary>
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
