namespace Souk.Sidecar.Files;

/// <summary>
/// A mistake in a file or a flag. Its message is for the person who wrote it and needs no stack trace.
/// </summary>
internal sealed class ConfigException(string message, Exception? inner = null) : Exception(message, inner);
