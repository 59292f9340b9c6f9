using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// The comments of the contracts, which the build keeps beside the compiled code (souk.binpb): what a reader
/// of the proto sees, a reader of the API document sees too.
/// </summary>
internal sealed partial class Comments
{
    private const string FileName = "souk.binpb";

    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);

    private Comments(FileDescriptorSet contracts)
    {
        foreach (var file in contracts.File.Where(file => file.SourceCodeInfo is not null))
            AddFile(file);
    }

    /// <summary>Those of the build. Contracts that it does not know, such as a test's, have none.</summary>
    public static Comments Load()
    {
        var bytes = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, FileName));
        return new Comments(FileDescriptorSet.Parser.ParseFrom(bytes));
    }

    /// <summary>The text above an element; empty when there is none.</summary>
    public string Of(IDescriptor element) => _texts.GetValueOrDefault(element.FullName, "");

    /// <summary>
    /// A field's text without the words that the document says in a form of its own, such as "Required."
    /// </summary>
    public string OfField(FieldDescriptor field) => Behaviour().Replace(Of(field), "");

    /// <summary>The first sentence of an element's text, without its full stop.</summary>
    public string SummaryOf(IDescriptor element)
    {
        var text = Of(element);
        var end = SentenceEnd().Match(text);
        return (end.Success ? text[..end.Index] : text).TrimEnd('.', ':');
    }

    private void AddFile(FileDescriptorProto file)
    {
        var texts = new Scope(this, file);
        foreach (var (s, service) in file.Service.Index())
        {
            int[] path = [FileDescriptorProto.ServiceFieldNumber, s];
            texts.Put(file.Package, service.Name, path);
            foreach (var (m, method) in service.Method.Index())
                texts.Put(
                    $"{file.Package}.{service.Name}",
                    method.Name,
                    [.. path, ServiceDescriptorProto.MethodFieldNumber, m]
                );
        }
        foreach (var (m, message) in file.MessageType.Index())
            AddMessage(texts, file.Package, message, [FileDescriptorProto.MessageTypeFieldNumber, m]);
        foreach (var (e, type) in file.EnumType.Index())
            AddEnum(texts, file.Package, type, [FileDescriptorProto.EnumTypeFieldNumber, e]);
    }

    private static void AddMessage(Scope texts, string scope, DescriptorProto message, int[] path)
    {
        var name = $"{scope}.{message.Name}";
        texts.Put(scope, message.Name, path);
        foreach (var (f, field) in message.Field.Index())
            texts.Put(name, field.Name, [.. path, DescriptorProto.FieldFieldNumber, f]);
        foreach (var (n, nested) in message.NestedType.Index())
            AddMessage(texts, name, nested, [.. path, DescriptorProto.NestedTypeFieldNumber, n]);
        foreach (var (e, type) in message.EnumType.Index())
            AddEnum(texts, name, type, [.. path, DescriptorProto.EnumTypeFieldNumber, e]);
    }

    private static void AddEnum(Scope texts, string scope, EnumDescriptorProto type, int[] path)
    {
        texts.Put(scope, type.Name, path);
        // Contrary to protobuf's own scoping, the library's full name of a value has its enum's name inside.
        foreach (var (v, value) in type.Value.Index())
            texts.Put($"{scope}.{type.Name}", value.Name, [.. path, EnumDescriptorProto.ValueFieldNumber, v]);
    }

    // Lines are one text until an empty line starts a paragraph.
    private static string Paragraphs(string comment) =>
        string.Join(
            "\n\n",
            EmptyLine()
                .Split(comment)
                .Select(part =>
                    string.Join(' ', part.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                )
                .Where(part => part.Length > 0)
        );

    [GeneratedRegex(@"\n\s*\n", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex EmptyLine();

    [GeneratedRegex(@"[.:](?=\s)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(
        @"^((Required|Output only|Input only|Optional)\.\s*)+",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Behaviour();

    /// <summary>One file's comments by the path of their element.</summary>
    private sealed class Scope(Comments comments, FileDescriptorProto file)
    {
        // Several `extend` blocks share one path.
        private readonly ILookup<string, string> _byPath = file
            .SourceCodeInfo.Location.Where(location => location.HasLeadingComments)
            .ToLookup(location => string.Join('.', location.Path), location => location.LeadingComments);

        public void Put(string scope, string name, int[] path)
        {
            if (_byPath[string.Join('.', path)].FirstOrDefault() is { } text)
                comments._texts[$"{scope}.{name}"] = Paragraphs(text);
        }
    }
}
