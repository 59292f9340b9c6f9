using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Souk.Gateway.Transcoding;

/// <summary>Where the parser is, kept cheaply so that only an error pays for a readable path.</summary>
internal ref struct FieldTrail(ReadOnlySpan<byte> json)
{
    private const int NameCharsMax = 100;

    private readonly ReadOnlySpan<byte> _json = json;
    private Steps _steps;
    private int _depth;

    public void Enter(FieldPlan field) => _steps[_depth++] = new Step(field, -1);

    public void Leave() => _depth--;

    /// <summary>
    /// The element of the innermost list, or the offset of the innermost map's key in the JSON text.
    /// </summary>
    public void At(int index) => _steps[_depth - 1].Index = index;

    /// <summary>The path so far, and a last name that is no known field.</summary>
    public readonly string PathTo(string name = "")
    {
        var path = new StringBuilder();
        for (var depth = 0; depth < _depth; depth++)
        {
            var step = _steps[depth];
            Append(path, step.Field.Name);
            if (step.Index >= 0 && step.Field.IsMap)
                Append(path, KeyAt(step.Index));
            else if (step.Index >= 0)
                path.Append(CultureInfo.InvariantCulture, $"[{step.Index}]");
        }
        Append(path, name);
        return path.ToString();
    }

    /// <summary>Names come from strangers: a path shows only the start of a long one.</summary>
    public static string Shorten(string name) =>
        name.Length <= NameCharsMax ? name : name[..NameCharsMax] + "…";

    private readonly string KeyAt(int offset)
    {
        var reader = new Utf8JsonReader(_json[offset..]);
        return reader.Read() && reader.TokenType == JsonTokenType.String
            ? Shorten(reader.GetString() ?? "")
            : "";
    }

    private static void Append(StringBuilder path, string name)
    {
        if (path.Length > 0 && name.Length > 0)
            path.Append('.');
        path.Append(name);
    }

    private record struct Step(FieldPlan Field, int Index);

    // One more than the JSON depth allowed: the field that the body as a whole fills.
    [InlineArray(JsonToWire.DepthMax + 2)]
    private struct Steps
    {
        private Step _first;
    }
}
