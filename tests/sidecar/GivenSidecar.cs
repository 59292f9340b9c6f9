using System.Text.Json;
using System.Text.RegularExpressions;
using Souk.Shared;
using Souk.Sidecar;
using Souk.Sidecar.Files;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>
/// A runtime that runs already, daprd for instance, at the ports in DAPR_HTTP_PORT and DAPR_GRPC_PORT. What
/// asks for something that it cannot be made to have is ignored: an app, other settings, a restart, a
/// component.
/// </summary>
internal static partial class GivenSidecar
{
    private const RegexOptions Lines = RegexOptions.Multiline | RegexOptions.CultureInvariant;

    internal static bool IsThere => Env.Text("DAPR_HTTP_PORT", "").Length > 0;

    internal static (string Grpc, string Http) Addresses =>
        ($"http://127.0.0.1:{GrpcPort}", $"http://127.0.0.1:{HttpPort}");

    private static int HttpPort => int.Parse(Env.Text("DAPR_HTTP_PORT", "3500"));

    private static int GrpcPort => int.Parse(Env.Text("DAPR_GRPC_PORT", "50001"));

    /// <summary>The id of the runtime's app; the test's own where no runtime is given.</summary>
    internal static string AppId(string own) => IsThere ? Env.Text("APP_ID", "conf-app") : own;

    /// <summary>The runtime as the app that a test wants to be, if it will do for that.</summary>
    internal static async Task<AppSpec> AsAsync(AppSpec[] apps, SidecarSettings settings, string components)
    {
        if (
            apps is not [{ AppPort: 0, ConfigFiles: [] } app]
            || settings is not { ApiToken: null, AppToken: null, Namespace: "", PeerFolder: null }
        )
            throw Unfit("a sidecar with apps or settings of its own");
        if (components.Length == 0)
            throw Unfit("a sidecar without components");
        if (OtherKind().Match(components) is { Success: true } kind)
            throw Unfit($"a {kind.Groups["kind"]} of its own");
        if (Item().Matches(components).FirstOrDefault(IsPeculiar) is { } item)
            throw Unfit($"components with the {item.Groups["name"]} of its own");
        var http = HttpPort;
        using var caller = new HttpCaller(http);
        var metadata = (await caller.GetAsync("/v1.0/metadata")).Json;
        var there = metadata
            .GetProperty("components")
            .EnumerateArray()
            .Select(item => (Text(item, "name"), Text(item, "type")))
            .ToHashSet();
        if (NameAndType().Count(components) != Component().Count(components))
            throw Unfit("components that are more than a name and a type");
        foreach (Match wanted in NameAndType().Matches(components))
        {
            if (!there.Contains((wanted.Groups["name"].Value, wanted.Groups["type"].Value)))
                throw Unfit($"the component {wanted.Groups["name"]} ({wanted.Groups["type"]})");
        }
        return app with { HttpPort = http, GrpcPort = GrpcPort };
    }

    /// <summary>For a test that no runtime will do for that is there already.</summary>
    internal static void RefuseFor(string need)
    {
        if (IsThere)
            throw Unfit(need);
    }

    internal static IgnoreException Unfit(string need) =>
        new($"The runtime at DAPR_HTTP_PORT does not do: this test needs {need}.");

    private static bool IsPeculiar(Match item) =>
        item.Groups["name"].Value != "redisHost" || item.Groups["value"].Value != Backends.Redis;

    private static string Text(JsonElement item, string name) => item.GetProperty(name).GetString() ?? "";

    [GeneratedRegex(
        @"^  name: (?<name>\S+)\s+spec:\s+type: (?<type>\S+)",
        Lines,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex NameAndType();

    [GeneratedRegex(@"^kind: (?!Component\b)(?<kind>\w+)", Lines, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OtherKind();

    [GeneratedRegex(@"^kind: Component\b", Lines, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Component();

    [GeneratedRegex(
        @"^ +- \{ name: (?<name>\w+)(?:, value: ""(?<value>[^""]*)"")?",
        Lines,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Item();
}
