using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using Souk.Options.V1;

namespace Souk.Shared;

/// <summary>What has to happen before an RPC's own code runs, worked out once from the descriptors.</summary>
internal sealed class MethodPlan
{
    private MethodPlan(string name, bool isInfrastructure, Access? access, MessageCheck input)
    {
        Name = name;
        IsInfrastructure = isInfrastructure;
        IsPublic = isInfrastructure || access is { Public: true };
        IsForAnybody = access is { Authenticated: true };
        Input = input;
        Roles = RoleSet.Of([.. access?.Roles ?? []]);
        if (Roles.Contains(Role.Operator))
            Roles = Roles.With(RoleSet.Of(Role.Admin));
    }

    /// <summary>Service and method, short: "CatalogService/GetProduct".</summary>
    internal string Name { get; }

    /// <summary>Health and Dapr callbacks: not for users, not worth a log line each.</summary>
    internal bool IsInfrastructure { get; }

    internal bool IsPublic { get; }

    internal bool IsForAnybody { get; }

    internal RoleSet Roles { get; }

    internal MessageCheck Input { get; }

    internal static MethodPlan Of(MethodDescriptor method) =>
        new(
            $"{method.Service.Name}/{method.Name}",
            !method.Service.FullName.StartsWith("souk.", StringComparison.Ordinal),
            method.GetOptions()?.GetExtension(OptionsExtensions.Access),
            MessageCheck.Of(method.InputType)
        );
}

/// <summary>The plans of every RPC that this process serves, by the path on the wire.</summary>
internal sealed class MethodPlans(IEnumerable<ServiceDescriptor> services)
{
    private readonly FrozenDictionary<string, MethodPlan> _plans = services
        .SelectMany(service => service.Methods)
        .ToFrozenDictionary(method => $"/{method.Service.FullName}/{method.Name}", MethodPlan.Of);

    internal MethodPlan Of(string path) =>
        _plans.GetValueOrDefault(path) ?? throw new InvalidOperationException($"{path} is not served here.");
}
