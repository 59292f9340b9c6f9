using System.Text.Json.Nodes;

namespace Souk.Tool;

/// <summary>What the scripts tell the tool by environment.</summary>
/// <param name="ShopUrl">The gateway, SOUK_URL.</param>
/// <param name="RunFolder">Where the mesh keeps its files, SOUK_RUN_DIR.</param>
internal sealed record ToolSettings(Uri ShopUrl, string RunFolder)
{
    public static ToolSettings FromEnvironment() =>
        new(
            new Uri(Environment.GetEnvironmentVariable("SOUK_URL") ?? "http://127.0.0.1:8080"),
            Environment.GetEnvironmentVariable("SOUK_RUN_DIR") ?? ".run"
        );

    /// <summary>The demo account of a role, from accounts.json.</summary>
    public Account Account(string role)
    {
        var path = Path.Combine(RunFolder, "accounts.json");
        if (!File.Exists(path))
            throw new ToolException($"{path} is missing: start the mesh with `make up` first.");
        var account = JsonNode.Parse(File.ReadAllText(path))?[role];
        return account?["email"] is { } email && account["password"] is { } password
            ? new Account(email.GetValue<string>(), password.GetValue<string>())
            : throw new ToolException($"{path} has no account for the role {role}.");
    }
}

/// <summary>Who signs in.</summary>
internal sealed record Account(string Email, string Password);

/// <summary>Ends the command with a message for the person who called it.</summary>
internal sealed class ToolException(string message) : Exception(message);
