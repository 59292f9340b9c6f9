using Google.Protobuf.Reflection;

namespace Souk.Tests.Repo;

/// <summary>The comment above one element of a contract; empty when there is none.</summary>
internal sealed record ProtoComment(string Name, string Text, FieldDescriptorProto? Field = null);

/// <summary>Finds the comment of each element of a proto file.</summary>
internal static class ProtoComments
{
    public static IEnumerable<ProtoComment> Of(FileDescriptorProto file)
    {
        var texts = file.SourceCodeInfo.Location.ToLookup(
            location => string.Join('.', location.Path),
            location => location.LeadingComments.Trim()
        );
        string At(params int[] path) => texts[string.Join('.', path)].FirstOrDefault("");

        foreach (var (s, service) in file.Service.Index())
        {
            int[] path = [FileDescriptorProto.ServiceFieldNumber, s];
            yield return new($"{file.Package}.{service.Name}", At(path));
            foreach (var (m, method) in service.Method.Index())
            {
                yield return new(
                    $"{file.Package}.{service.Name}.{method.Name}",
                    At([.. path, ServiceDescriptorProto.MethodFieldNumber, m])
                );
            }
        }
        foreach (var (e, type) in file.EnumType.Index())
        {
            foreach (
                var comment in OfEnum(file.Package, type, [FileDescriptorProto.EnumTypeFieldNumber, e], At)
            )
            {
                yield return comment;
            }
        }
        foreach (var (m, message) in file.MessageType.Index())
        {
            foreach (
                var comment in OfMessage(
                    file.Package,
                    message,
                    [FileDescriptorProto.MessageTypeFieldNumber, m],
                    At
                )
            )
            {
                yield return comment;
            }
        }
    }

    private static IEnumerable<ProtoComment> OfMessage(
        string scope,
        DescriptorProto message,
        int[] path,
        Func<int[], string> at
    )
    {
        if (message.Options?.MapEntry == true)
            yield break;
        var name = $"{scope}.{message.Name}";
        yield return new(name, at(path));
        foreach (var (f, field) in message.Field.Index())
        {
            yield return new(
                $"{name}.{field.Name}",
                at([.. path, DescriptorProto.FieldFieldNumber, f]),
                field
            );
        }
        foreach (var (e, type) in message.EnumType.Index())
        {
            foreach (var comment in OfEnum(name, type, [.. path, DescriptorProto.EnumTypeFieldNumber, e], at))
                yield return comment;
        }
        foreach (var (n, nested) in message.NestedType.Index())
        {
            foreach (
                var comment in OfMessage(
                    name,
                    nested,
                    [.. path, DescriptorProto.NestedTypeFieldNumber, n],
                    at
                )
            )
            {
                yield return comment;
            }
        }
    }

    private static IEnumerable<ProtoComment> OfEnum(
        string scope,
        EnumDescriptorProto type,
        int[] path,
        Func<int[], string> at
    )
    {
        var name = $"{scope}.{type.Name}";
        yield return new(name, at(path));
        foreach (var (v, value) in type.Value.Index())
            yield return new($"{name}.{value.Name}", at([.. path, EnumDescriptorProto.ValueFieldNumber, v]));
    }
}
