using Google.Protobuf.Reflection;

namespace Souk.Gateway.Transcoding;

/// <summary>Turns descriptors into plans, each message and enum once.</summary>
internal sealed class PlanCompiler
{
    private readonly Dictionary<string, MessagePlan> _messages = [];
    private readonly Dictionary<string, EnumPlan> _enums = [];

    /// <summary>The plan of a message and of all that it contains.</summary>
    public MessagePlan Compile(MessageDescriptor descriptor)
    {
        if (_messages.TryGetValue(descriptor.FullName, out var known))
            return known;
        var plan = new MessagePlan(descriptor.FullName, ShapeOf(descriptor)) { Types = this };
        _messages.Add(descriptor.FullName, plan);
        var fields = descriptor.Fields.InDeclarationOrder().Select(CompileField).ToArray();
        plan.Complete(fields, descriptor.Oneofs.Count);
        return plan;
    }

    /// <summary>A plan compiled before, for the type that an Any names.</summary>
    public MessagePlan? Find(string fullName) => _messages.GetValueOrDefault(fullName);

    private FieldPlan CompileField(FieldDescriptor field, int index)
    {
        var message = field.FieldType == FieldType.Message ? Compile(field.MessageType) : null;
        return new FieldPlan(
            field,
            index,
            message,
            field.FieldType == FieldType.Enum ? EnumOf(field.EnumType) : null
        );
    }

    private EnumPlan EnumOf(EnumDescriptor descriptor)
    {
        if (!_enums.TryGetValue(descriptor.FullName, out var plan))
            _enums.Add(descriptor.FullName, plan = new EnumPlan(descriptor));
        return plan;
    }

    private static MessageShape ShapeOf(MessageDescriptor descriptor) =>
        descriptor.FullName switch
        {
            "google.protobuf.Timestamp" => MessageShape.Timestamp,
            "google.protobuf.Duration" => MessageShape.Duration,
            "google.protobuf.FieldMask" => MessageShape.FieldMask,
            "google.protobuf.Struct" => MessageShape.Struct,
            "google.protobuf.Value" => MessageShape.Value,
            "google.protobuf.ListValue" => MessageShape.ListValue,
            "google.protobuf.Any" => MessageShape.Any,
            "souk.type.Money" => MessageShape.Money,
            _ => IsWrapper(descriptor) ? MessageShape.Wrapper : MessageShape.Fields,
        };

    private static bool IsWrapper(MessageDescriptor descriptor) =>
        descriptor.File.Name == "google/protobuf/wrappers.proto";
}
