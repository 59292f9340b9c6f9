using System.Collections;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Secrets;

/// <summary>
/// <c>secretstores.local.env</c>: the environment of this process, without what is Dapr's own. A variable
/// that is not set is a secret without a value.
/// </summary>
internal sealed class LocalEnvSecrets(ComponentSpec spec) : ISecretStore
{
    private readonly string _prefix = spec.Text("prefix") ?? "";

    public IEnumerable<KeyValuePair<string, IReadOnlyDictionary<string, string>>> All =>
        Environment
            .GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Select(variable => (Name: (string)variable.Key, Value: variable.Value as string ?? ""))
            .Where(variable =>
                variable.Name.StartsWith(_prefix, StringComparison.Ordinal) && !IsHidden(variable.Name)
            )
            .Select(variable => (Name: variable.Name[_prefix.Length..], variable.Value))
            .Select(secret => KeyValuePair.Create(secret.Name, Single(secret.Name, secret.Value)));

    public IReadOnlyDictionary<string, string>? Find(string name)
    {
        var variable = _prefix + name;
        return Single(name, IsHidden(variable) ? "" : Environment.GetEnvironmentVariable(variable) ?? "");
    }

    private static bool IsHidden(string variable) =>
        variable.StartsWith("DAPR_", StringComparison.OrdinalIgnoreCase)
        || string.Equals(variable, "APP_API_TOKEN", StringComparison.OrdinalIgnoreCase);

    private static IReadOnlyDictionary<string, string> Single(string name, string value) =>
        new Dictionary<string, string>(StringComparer.Ordinal) { [name] = value };
}
