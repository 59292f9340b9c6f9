using System.Collections.Concurrent;
using System.Reflection;
using Google.Protobuf.Reflection;

namespace Souk.Shared;

/// <summary>The wire name and domain of a reason enum's value.</summary>
internal static class ReasonNames
{
    private static readonly ConcurrentDictionary<System.Enum, (string Name, string Domain)> Known = new();

    /// <summary>"OUT_OF_STOCK" and "souk.stock" for a value of souk.stock.v1.Reason.</summary>
    internal static (string Name, string Domain) Of(System.Enum reason) => Known.GetOrAdd(reason, Read);

    private static (string Name, string Domain) Read(System.Enum reason)
    {
        var type = reason.GetType();
        var field = type.GetField(reason.ToString());
        var name = field?.GetCustomAttribute<OriginalNameAttribute>()?.Name;
        Invariant.That(name is not null, $"{type.Name} is a proto enum and {reason} one of its values");
        // Souk.Stock.V1 -> souk.stock; the common reasons of Souk.Type -> souk.
        var parts = (type.Namespace ?? "").ToLowerInvariant().Split('.');
        return (name, parts is [var root, "type", ..] ? root : string.Join('.', parts.Take(2)));
    }
}
