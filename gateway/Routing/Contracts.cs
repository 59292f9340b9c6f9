using System.Reflection;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Routing;

/// <summary>
/// All that the gateway knows of the services, read from compiled descriptors: an RPC with an http rule is
/// reachable over REST without a line of gateway code.
/// </summary>
internal sealed class Contracts
{
    private Contracts(IReadOnlyList<FileDescriptor> files, IReadOnlyList<Rpc> rpcs)
    {
        (Files, Rpcs) = (files, rpcs);
        Routes = [.. rpcs.SelectMany(Route.Of)];
        foreach (var route in Routes)
            Table.Add(route.Method, route.Template, route);
        AppIds =
        [
            .. rpcs.Select(rpc => rpc.AppId).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The files that the contracts are written in.</summary>
    public IReadOnlyList<FileDescriptor> Files { get; }

    /// <summary>Every RPC of the domains, also those without a REST form.</summary>
    public IReadOnlyList<Rpc> Rpcs { get; }

    public IReadOnlyList<Route> Routes { get; }

    public RouteTable<Route> Table { get; } = new();

    /// <summary>The apps that serve the RPCs.</summary>
    public IReadOnlyList<string> AppIds { get; }

    /// <summary>
    /// The contracts of an assembly whose packages start with the prefix; protocols of others stay out.
    /// </summary>
    public static Contracts Of(Assembly assembly, string packagePrefix = "souk.") =>
        Of(assembly.GetTypes().Select(DescriptorOf).OfType<FileDescriptor>(), packagePrefix);

    public static Contracts Of(IEnumerable<FileDescriptor> files, string packagePrefix = "souk.")
    {
        var plans = new PlanCompiler();
        var ours = files
            .Where(file => file.Package.StartsWith(packagePrefix, StringComparison.Ordinal))
            .ToArray();
        foreach (var message in ours.SelectMany(file => file.MessageTypes))
            plans.Compile(message);
        return new Contracts(
            ours,
            [
                .. ours.SelectMany(file => file.Services)
                    .SelectMany(service => service.Methods)
                    .Select(method => new Rpc(method, plans)),
            ]
        );
    }

    // protoc gives each file a class whose static property Descriptor describes it.
    private static FileDescriptor? DescriptorOf(System.Type type) =>
        type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static) is { } property
        && property.PropertyType == typeof(FileDescriptor)
            ? (FileDescriptor?)property.GetValue(null)
            : null;
}
