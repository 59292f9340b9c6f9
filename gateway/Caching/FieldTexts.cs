using System.Text;
using Souk.Gateway.Transcoding;

namespace Souk.Gateway.Caching;

/// <summary>Finds the texts of all fields of a name in a message, however deep they lie.</summary>
internal static class FieldTexts
{
    private const int DepthMax = 16;

    public static void Collect(MessagePlan plan, ReadOnlySpan<byte> wire, string name, ISet<string> into) =>
        Collect(plan, wire, name, into, 0);

    private static void Collect(
        MessagePlan plan,
        ReadOnlySpan<byte> wire,
        string name,
        ISet<string> into,
        int depth
    )
    {
        if (depth > DepthMax)
            return;
        var reader = new WireReader(wire);
        while (!reader.AtEnd)
        {
            var (number, type) = reader.Tag();
            if (type != WireType.Length || plan.Find(number) is not { } field)
                reader.Skip(type);
            else if (field.Message is { } message)
                Collect(message, reader.Bytes(), name, into, depth + 1);
            else if (field is { Type: Google.Protobuf.Reflection.FieldType.String } && field.Name == name)
                into.Add(Encoding.UTF8.GetString(reader.Bytes()));
            else
                reader.Skip(type);
        }
    }
}
