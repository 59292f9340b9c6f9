namespace Souk.Sidecar.Files;

/// <summary>A mistake in a file or a flag. Its message is for the person who wrote it and needs no stack trace.</summary>
internal sealed class ConfigException : Exception
{
    public ConfigException(string message)
        : base(message) { }

    public ConfigException(string message, Exception inner)
        : base(message, inner) { }
}
