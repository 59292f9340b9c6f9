using System.Diagnostics.CodeAnalysis;

namespace Souk.Shared;

/// <summary>Asserts, always, what cannot happen; the database asserts it again with a constraint.</summary>
public static class Invariant
{
    /// <summary>Stops the call as INTERNAL when the condition does not hold.</summary>
    public static void That([DoesNotReturnIf(false)] bool holds, string rule)
    {
        if (!holds)
            throw new InvariantException(rule);
    }
}

/// <summary>A rule of ours was broken by our own code.</summary>
public sealed class InvariantException(string rule) : Exception($"Invariant broken: {rule}.");
