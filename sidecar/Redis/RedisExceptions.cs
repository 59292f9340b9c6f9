namespace Souk.Sidecar.Redis;

/// <summary>The server answered a command with an error.</summary>
internal sealed class RedisServerException(string message) : Exception(message)
{
    public bool Is(string code) => Message.StartsWith(code, StringComparison.Ordinal);
}

/// <summary>No answer: the connection could not be made, or broke while the command was under way.</summary>
internal sealed class RedisConnectionException(string message, Exception? inner = null)
    : Exception(message, inner);
