using System.Collections.Frozen;
using Souk.Options.V1;

namespace Souk.Shared;

/// <summary>A set of roles in one word; tokens name roles by their short lower-case names.</summary>
public readonly record struct RoleSet(uint Bits)
{
    private static readonly FrozenDictionary<string, Role> ByName = Enum.GetValues<Role>()
        .Where(role => role != Role.Unspecified)
        .ToFrozenDictionary(Name);

    /// <summary>No role.</summary>
    public static RoleSet None => default;

    /// <summary>Those who may act on anybody's resources.</summary>
    public static RoleSet Staff { get; } = Of(Role.Operator, Role.Admin, Role.Service);

    /// <summary>The set of these roles.</summary>
    public static RoleSet Of(params ReadOnlySpan<Role> roles)
    {
        var bits = 0u;
        foreach (var role in roles)
            bits |= 1u << (int)role;
        return new RoleSet(bits);
    }

    /// <summary>The set of these names; names that this version does not know are left out.</summary>
    public static RoleSet OfNames(IEnumerable<string> names)
    {
        var bits = 0u;
        foreach (var name in names)
        {
            if (ByName.TryGetValue(name, out var role))
                bits |= 1u << (int)role;
        }
        return new RoleSet(bits);
    }

    /// <summary>A role's name in tokens, such as "seller".</summary>
    public static string Name(Role role) => role.ToString().ToLowerInvariant();

    /// <summary>Whether the role is in the set.</summary>
    public bool Contains(Role role) => (Bits & (1u << (int)role)) != 0;

    /// <summary>Whether the sets share a role.</summary>
    public bool Overlaps(RoleSet other) => (Bits & other.Bits) != 0;

    /// <summary>Both sets together.</summary>
    public RoleSet With(RoleSet other) => new(Bits | other.Bits);

    /// <summary>The names of the set's roles.</summary>
    public IEnumerable<string> Names()
    {
        var set = this;
        return ByName
            .Where(pair => set.Contains(pair.Value))
            .OrderBy(pair => pair.Value)
            .Select(pair => pair.Key);
    }

    /// <inheritdoc />
    public override string ToString() => string.Join(',', Names());
}
