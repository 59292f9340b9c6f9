using Souk.Sidecar.Files;

namespace Souk.Sidecar;

/// <summary>
/// Who may call which operations of an app, as its Configuration says. Without policies everybody may.
/// </summary>
internal sealed class AccessControl
{
    private readonly List<Policy> _policies = [];
    private bool _allowsByDefault = true;

    public static AccessControl Everybody { get; } = new();

    public static AccessControl Read(YamlMap map)
    {
        var access = new AccessControl();
        foreach (var policy in map.Maps("policies"))
            access._policies.Add(Policy.Read(policy));
        // Whoever lists policies and says nothing else means nobody else.
        access._allowsByDefault = Action(map, "defaultAction") ?? access._policies.Count == 0;
        return access;
    }

    /// <summary>
    /// <paramref name="operation"/> is the path or full method name as called; <paramref name="verb"/> is
    /// null for a call that has none, as over gRPC.
    /// </summary>
    public bool Allows(string callerId, string callerNamespace, string operation, string? verb)
    {
        var policy = _policies.Find(item => item.IsFor(callerId, callerNamespace));
        if (policy is null)
            return _allowsByDefault;
        return policy.Operations.Find(item => item.Covers(Normalised(operation), verb))?.Allows
            ?? policy.AllowsByDefault
            ?? _allowsByDefault;
    }

    // The path as the app will understand it: decoded, without detours.
    private static string[] Normalised(string operation)
    {
        var parts = new List<string>();
        var path = operation.Split('?')[0];
        foreach (var part in Uri.UnescapeDataString(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".." && parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
            else if (part is not (".." or "."))
                parts.Add(part);
        }
        return [.. parts];
    }

    private static bool? Action(YamlMap map, string name) =>
        map.Text(name)?.ToUpperInvariant() switch
        {
            null or "" => null,
            "ALLOW" => true,
            "DENY" => false,
            _ => throw map.Error(name, $"must be allow or deny, not '{map.Text(name)}'"),
        };

    private sealed record Policy(
        string AppId,
        string? Namespace,
        bool? AllowsByDefault,
        List<Operation> Operations
    )
    {
        public static Policy Read(YamlMap map) =>
            new(
                map.Required("appId"),
                map.Text("namespace"),
                Action(map, "defaultAction"),
                [.. map.Maps("operations").Select(Operation.Read)]
            );

        // On one machine apps usually have no namespace, where a policy calls it "default".
        public bool IsFor(string appId, string callerNamespace) =>
            AppId == appId
            && (
                Namespace is null or ""
                || Namespace == (callerNamespace.Length == 0 ? "default" : callerNamespace)
            );
    }

    private sealed record Operation(string[] Pattern, string[] Verbs, bool Allows)
    {
        public static Operation Read(YamlMap map) =>
            new(
                map.Required("name").Split('/', StringSplitOptions.RemoveEmptyEntries),
                [.. map.Texts("httpVerb").Select(verb => verb.ToUpperInvariant())],
                Action(map, "action") ?? false
            );

        public bool Covers(string[] path, string? verb)
        {
            if (
                verb is not null
                && Verbs.Length > 0
                && !Verbs.Contains("*")
                && !Verbs.Contains(verb.ToUpperInvariant())
            )
                return false;
            for (var i = 0; i < Pattern.Length; i++)
            {
                // The last star stands for any rest, one before it for one part.
                if (Pattern[i] is "*" or "**" && i == Pattern.Length - 1)
                    return path.Length >= i;
                if (i >= path.Length || (Pattern[i] != "*" && Pattern[i] != path[i]))
                    return false;
            }
            return path.Length == Pattern.Length;
        }
    }
}
