using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Routing;

/// <summary>
/// A field of a request, possibly inside others, as a path variable, query parameter or header names it. It
/// is written as a fragment behind the body: on the wire later fragments merge into earlier ones and win over
/// their scalars.
/// </summary>
internal sealed class FieldPath(string name, FieldPlan[] outer, FieldPlan leaf)
{
    /// <summary>Messages may contain themselves; nobody filters deeper than this.</summary>
    private const int DepthMax = 8;

    public string Name { get; } = name;

    public FieldPlan Leaf { get; } = leaf;

    /// <summary>The field itself when it is not inside another, as bodies and headers need it.</summary>
    public FieldPlan First => outer.Length > 0 ? outer[0] : Leaf;

    /// <summary>Null when the message has no such field.</summary>
    public static FieldPath? Find(MessagePlan message, string name)
    {
        var parts = name.Split('.', DepthMax + 1);
        if (parts.Length > DepthMax)
            return null;
        var plan = message;
        var fields = new FieldPlan[parts.Length];
        for (var depth = 0; depth < parts.Length; depth++)
        {
            if (plan?.Find(parts[depth]) is not { IsHidden: false } field)
                return null;
            fields[depth] = field;
            plan = field.IsRepeated || field.IsMap ? null : field.Message;
        }
        return new FieldPath(string.Join('.', fields.Select(field => field.Name)), fields[..^1], fields[^1]);
    }

    /// <summary>Writes the field from its text. False when the text is not of its type.</summary>
    public bool TryWrite(ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        Span<int> starts = stackalloc int[DepthMax];
        for (var depth = 0; depth < outer.Length; depth++)
        {
            wire.Varint(outer[depth].Tag);
            starts[depth] = wire.OpenLength();
        }
        var isWritten = TryWriteLeaf(text, wire);
        for (var depth = outer.Length - 1; depth >= 0; depth--)
            wire.CloseLength(starts[depth]);
        return isWritten;
    }

    private bool TryWriteLeaf(ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        if (Leaf.IsMap)
            return false;
        wire.Varint(Leaf.Tag);
        if (Leaf.Message is not { } message)
            return ScalarText.TryWrite(Leaf, text, wire);
        var start = wire.OpenLength();
        var isWritten = message.Shape switch
        {
            MessageShape.Money => Leaf.PlainAmount
                && DecimalText.IsNumber(text)
                && Currencies.TryWriteAmount(text, wire),
            MessageShape.Wrapper => TryWriteWrapped(message.Fields[0], text, wire),
            _ => WellKnownText.TryWrite(message.Shape, text, wire),
        };
        wire.CloseLength(start);
        return isWritten;
    }

    private static bool TryWriteWrapped(FieldPlan field, ReadOnlySpan<byte> text, PooledBuffer wire)
    {
        wire.Varint(field.Tag);
        return ScalarText.TryWrite(field, text, wire);
    }
}
