using System.Text.Json;
using Google.Protobuf.Reflection;
using Souk.Options.V1;

namespace Souk.Gateway.Transcoding;

/// <summary>All that transcoding must know of one field, worked out once from its descriptor.</summary>
internal sealed class FieldPlan
{
    private const uint TagTypeBits = 3;

    public FieldPlan(FieldDescriptor descriptor, int index, MessagePlan? message, EnumPlan? values)
    {
        Index = index;
        Number = descriptor.FieldNumber;
        Name = descriptor.Name;
        CamelName = descriptor.JsonName;
        JsonName = JsonEncodedText.Encode(descriptor.Name);
        Type = descriptor.FieldType;
        Wire = WireTypeOf(Type);
        IsMap = descriptor.IsMap;
        IsRepeated = descriptor.IsRepeated && !IsMap;
        CanPack = IsRepeated && Wire != WireType.Length;
        IsPacked = CanPack && descriptor.IsPacked;
        HasPresence = descriptor.HasPresence;
        OneofIndex = descriptor.RealContainingOneof?.Index ?? -1;
        Message = message;
        Enum = values;
        IsWide =
            Type
                is FieldType.Int64
                    or FieldType.UInt64
                    or FieldType.SInt64
                    or FieldType.Fixed64
                    or FieldType.SFixed64;
        WritesWideAsNumber = IsCount(descriptor);
        var options = descriptor.GetOptions();
        PlainAmount = options?.GetExtension(OptionsExtensions.PlainAmount) ?? false;
        IsHidden = options?.GetExtension(OptionsExtensions.Hidden) ?? false;
        IsPosition = options?.GetExtension(OptionsExtensions.Position) ?? false;
        Header = options?.GetExtension(OptionsExtensions.Header);
        var behaviours = options?.GetExtension(Google.Api.FieldBehaviorExtensions.FieldBehavior);
        IsInputOnly = behaviours?.Contains(Google.Api.FieldBehavior.InputOnly) ?? false;
    }

    /// <summary>Position in the declaration, which is the order of JSON members.</summary>
    public int Index { get; }
    public int Number { get; }
    public string Name { get; }
    public string CamelName { get; }
    public JsonEncodedText JsonName { get; }
    public FieldType Type { get; }

    /// <summary>
    /// The layout of one value; a packed list has <see cref="WireType.Length"/> around many.
    /// </summary>
    public WireType Wire { get; }
    public bool IsMap { get; }
    public bool IsRepeated { get; }
    public bool CanPack { get; }
    public bool IsPacked { get; }

    /// <summary>Absent is something else than the default value.</summary>
    public bool HasPresence { get; }

    /// <summary>The oneof that the field belongs to, or -1.</summary>
    public int OneofIndex { get; }
    public MessagePlan? Message { get; }
    public EnumPlan? Enum { get; }

    /// <summary>A whole number of 64 bits.</summary>
    public bool IsWide { get; }

    /// <summary>
    /// Our own 64-bit numbers are counts, which clients compare and add: they are JSON numbers while every
    /// reader holds them exactly (2^53), and texts beyond. The proto3 mapping's text is kept for everybody
    /// else's messages.
    /// </summary>
    public bool WritesWideAsNumber { get; }
    public bool PlainAmount { get; }
    public bool IsHidden { get; }
    public bool IsInputOnly { get; }

    /// <summary>Says where in a stream a message is.</summary>
    public bool IsPosition { get; }
    public Header? Header { get; }

    public uint Tag => ((uint)Number << (int)TagTypeBits) | (uint)Wire;

    public uint PackedTag => ((uint)Number << (int)TagTypeBits) | (uint)WireType.Length;

    /// <summary>Whether a 64-bit number is one of our counts.</summary>
    public static bool IsCount(FieldDescriptor descriptor) =>
        descriptor.File.Package.StartsWith("souk.", StringComparison.Ordinal);

    private static WireType WireTypeOf(FieldType type) =>
        type switch
        {
            FieldType.Double or FieldType.Fixed64 or FieldType.SFixed64 => WireType.Fixed64,
            FieldType.Float or FieldType.Fixed32 or FieldType.SFixed32 => WireType.Fixed32,
            FieldType.String or FieldType.Bytes or FieldType.Message => WireType.Length,
            FieldType.Group => throw new NotSupportedException("Groups have no JSON form."),
            _ => WireType.Varint,
        };
}
