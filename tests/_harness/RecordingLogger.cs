using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Souk.Tests.Harness;

/// <summary>
/// Keeps what is logged, as the line that an operator would read and the exception behind it. It is logger,
/// provider and factory at once, so that it stands wherever a part under test asks for one of them.
/// </summary>
internal class RecordingLogger : ILogger, ILoggerProvider, ILoggerFactory
{
    private readonly ConcurrentQueue<string> _lines = [];

    internal IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("All lines come here.");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => Take(logLevel, state, exception, () => formatter(state, exception));

    public void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Where a test would rather judge than keep: each line as it comes.</summary>
    protected virtual void Take(LogLevel level, object? state, Exception? exception, Func<string> text) =>
        _lines.Enqueue(text() + exception);
}
