namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// The server says that it never looked at the call. Sending it again is safe, even for a call that must not
/// be repeated.
/// </summary>
internal sealed class UnprocessedException(string message) : IOException(message);
