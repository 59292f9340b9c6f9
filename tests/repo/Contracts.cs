using Google.Api;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Souk.Options.V1;

namespace Souk.Tests.Repo;

/// <summary>Our contracts as protoc described them in this build, comments included.</summary>
internal static class Contracts
{
    private const string FileName = "souk.binpb";

    // Without the registry our options and google.api.http stay unknown bytes.
    private static readonly ExtensionRegistry Options =
    [
        AnnotationsExtensions.Http,
        FieldBehaviorExtensions.FieldBehavior,
        OptionsExtensions.Access,
        OptionsExtensions.Header,
    ];

    public static byte[] Bytes { get; } = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, FileName));

    /// <summary>The souk packages; what they import is left out.</summary>
    public static IReadOnlyList<FileDescriptorProto> Files { get; } = Parse(Bytes);

    public static IReadOnlyList<Rpc> Rpcs { get; } =
    [
        .. from file in Files
        from service in file.Service
        from method in service.Method
        select new Rpc(file, service, method),
    ];

    /// <summary>Messages at every depth, by full name without the leading dot.</summary>
    public static IReadOnlyDictionary<string, DescriptorProto> Messages { get; } =
        Files
            .SelectMany(file => file.MessageType.SelectMany(message => Nested(file.Package, message)))
            .ToDictionary(pair => pair.Name, pair => pair.Message);

    public static IReadOnlyDictionary<string, EnumDescriptorProto> Enums { get; } =
        Files
            .SelectMany(file => file.EnumType.Select(type => (Name: $"{file.Package}.{type.Name}", type)))
            .Concat(
                Messages.SelectMany(pair =>
                    pair.Value.EnumType.Select(type => (Name: $"{pair.Key}.{type.Name}", type))
                )
            )
            .ToDictionary(pair => pair.Name, pair => pair.type);

    public static IReadOnlyList<FileDescriptorProto> Parse(byte[] set) =>
        [
            .. FileDescriptorSet
                .Parser.WithExtensionRegistry(Options)
                .ParseFrom(set)
                .File.Where(file => file.Package.StartsWith("souk.", StringComparison.Ordinal)),
        ];

    public static IEnumerable<(string Name, DescriptorProto Message)> Nested(
        string scope,
        DescriptorProto message
    )
    {
        var name = $"{scope}.{message.Name}";
        // A map field's entry is a message that protoc makes.
        return message.Options?.MapEntry == true
            ? []
            : message.NestedType.SelectMany(nested => Nested(name, nested)).Prepend((name, message));
    }
}

/// <summary>One RPC with what its options say.</summary>
internal sealed record Rpc(
    FileDescriptorProto File,
    ServiceDescriptorProto Service,
    MethodDescriptorProto Method
)
{
    public string Name => Method.Name;

    /// <summary>The full name of the request message, without the leading dot.</summary>
    public string Input => Method.InputType[1..];

    /// <summary>The full name of the response message, without the leading dot.</summary>
    public string Output => Method.OutputType[1..];

    public Access? Access => Method.Options?.GetExtension(OptionsExtensions.Access);

    /// <summary>Verb and path of every REST binding, such as "GET /api/v1/products/{product_id}".</summary>
    public IEnumerable<string> Routes
    {
        get
        {
            var http = Method.Options?.GetExtension(AnnotationsExtensions.Http);
            return http is null ? [] : http.AdditionalBindings.Prepend(http).Select(Route);
        }
    }

    private static string Route(HttpRule rule) =>
        rule.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => $"GET {rule.Get}",
            HttpRule.PatternOneofCase.Post => $"POST {rule.Post}",
            HttpRule.PatternOneofCase.Put => $"PUT {rule.Put}",
            HttpRule.PatternOneofCase.Delete => $"DELETE {rule.Delete}",
            HttpRule.PatternOneofCase.Patch => $"PATCH {rule.Patch}",
            _ => $"{rule.Custom.Kind} {rule.Custom.Path}",
        };

    public override string ToString() => $"{File.Package}.{Service.Name}/{Name}";
}
