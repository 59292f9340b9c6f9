using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Souk.Gateway.Routing;
using Souk.Shared;
using AlphaReflection = Grpc.Reflection.V1Alpha.ServerReflection;

namespace Souk.Gateway.Grpc;

/// <summary>
/// What reflection tells strangers: the services that have a public RPC, without the RPCs that are the mesh's
/// own and the messages that only those speak of.
/// </summary>
internal static class PublicContracts
{
    public static ReflectionIndex Of(Contracts contracts)
    {
        var methods = contracts.Rpcs.Where(rpc => rpc.IsExposed).Select(rpc => rpc.Descriptor).ToArray();
        var reached = new HashSet<MessageDescriptor>();
        foreach (var method in methods)
        {
            Reach(method.InputType, reached);
            Reach(method.OutputType, reached);
        }
        var own = methods.Select(method => method.File).ToHashSet();
        return ReflectionIndex.Of(
            [
                .. methods.Select(method => method.Service).Distinct(),
                Health.Descriptor,
                ServerReflection.Descriptor,
                AlphaReflection.Descriptor,
            ],
            file => own.Contains(file) ? Without(file, methods, reached) : file.SerializedData
        );
    }

    private static ByteString Without(
        FileDescriptor file,
        MethodDescriptor[] methods,
        HashSet<MessageDescriptor> reached
    )
    {
        var proto = file.ToProto();
        foreach (var service in file.Services)
        {
            var shown = methods.Where(method => method.Service == service).Select(method => method.Name);
            var names = shown.ToHashSet(StringComparer.Ordinal);
            Keep(proto.Service[service.Index].Method, method => names.Contains(method.Name));
        }
        Keep(proto.Service, service => service.Method.Count > 0);
        var messages = file
            .MessageTypes.Where(message => !reached.Contains(message))
            .Select(message => message.Name);
        var hidden = messages.ToHashSet(StringComparer.Ordinal);
        Keep(proto.MessageType, message => !hidden.Contains(message.Name));
        return proto.ToByteString();
    }

    private static void Keep<T>(ICollection<T> items, Func<T, bool> isKept)
    {
        foreach (var item in items.Where(item => !isKept(item)).ToArray())
            items.Remove(item);
    }

    private static void Reach(MessageDescriptor message, HashSet<MessageDescriptor> reached)
    {
        // A nested message comes with the one around it.
        if (message.ContainingType is { } outer)
            Reach(outer, reached);
        if (!reached.Add(message))
            return;
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            if (field.FieldType is FieldType.Message or FieldType.Group)
                Reach(field.MessageType, reached);
        }
    }
}
