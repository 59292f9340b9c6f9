namespace Souk.Gateway.Calls.Http2;

/// <summary>
/// The call got nowhere: its server says that it never looked at it. To send it again repeats nothing, not
/// even for calls that must not be repeated.
/// </summary>
internal sealed class UnprocessedException(string message) : IOException(message);
