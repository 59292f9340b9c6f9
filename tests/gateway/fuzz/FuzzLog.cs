using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>
/// Reads the gateway's own line about each request: what it says of itself cannot be lost on the wire,
/// whatever the client understood of the answer.
/// </summary>
internal sealed class FuzzLog : RecordingLogger
{
    private const int KeptMax = 20;

    private readonly ConcurrentDictionary<string, int> _answers = new(StringComparer.Ordinal);

    /// <summary>How many requests ended how: by status and, for gRPC, code.</summary>
    public IReadOnlyDictionary<string, int> Answers => _answers;

    /// <summary>What must not have happened: the gateway's faults.</summary>
    public ConcurrentQueue<string> Faults { get; } = [];

    protected override void Take(LogLevel level, object? state, Exception? exception, Func<string> text)
    {
        if (
            state is IReadOnlyList<KeyValuePair<string, object?>> values
            && Find(values, "Status") is int status
        )
        {
            var code = Find(values, "Code") as string ?? "";
            var key = status == 200 && code != "OK" ? code : status.ToString(CultureInfo.InvariantCulture);
            _answers.AddOrUpdate(key, 1, (_, count) => count + 1);
            // A gRPC service says INTERNAL to what it cannot decode; a fault of the gateway's is logged as
            // error.
            if (status >= 500 || code == "UNAVAILABLE")
                Keep(text());
        }
        else if (level >= LogLevel.Error && exception is not ConnectionAbortedException)
        {
            // That exception is Kestrel's about a client that it cut off, such as for a flood of frames.
            Keep($"{text()} {exception}");
        }
    }

    private void Keep(string fault)
    {
        if (Faults.Count < KeptMax)
            Faults.Enqueue(fault);
    }

    private static object? Find(IReadOnlyList<KeyValuePair<string, object?>> values, string name)
    {
        foreach (var value in values)
        {
            if (value.Key == name)
                return value.Value;
        }
        return null;
    }
}
