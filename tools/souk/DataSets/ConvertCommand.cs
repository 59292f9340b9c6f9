using System.CommandLine;
using System.IO.Compression;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Tool.DataSets;

/// <summary>`souk convert SOURCE FILE`: writes a public data set as a catalogue to standard output, line by
/// line.</summary>
internal static class ConvertCommand
{
    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly Dictionary<string, Func<TextReader, IEnumerable<JsonObject>>> Sources = new()
    {
        ["icecat"] = Icecat.Read,
        ["fashion"] = Fashion.Read,
        ["goodbooks"] = Goodbooks.Read,
    };

    public static Command Create()
    {
        var source = new Argument<string>("SOURCE") { Description = "icecat, fashion or goodbooks" };
        source.AcceptOnlyFromAmong([.. Sources.Keys]);
        var file = new Argument<FileInfo>("FILE") { Description = "the data set's file, plain or .gz" };
        var command = new Command("convert", "write a public data set as a catalogue to standard output")
        {
            source,
            file,
        };
        command.SetAction(
            (parsed, cancel) =>
                ToolConsole.RunAsync(() =>
                    RunAsync(Sources[parsed.GetRequiredValue(source)], parsed.GetRequiredValue(file), cancel)
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(
        Func<TextReader, IEnumerable<JsonObject>> source,
        FileInfo file,
        CancellationToken cancel
    )
    {
        if (!file.Exists)
            throw new ToolException($"{file.FullName} does not exist.");
        await using var packed = file.OpenRead();
        await using var plain =
            file.Extension == ".gz" ? new GZipStream(packed, CompressionMode.Decompress) : (Stream)packed;
        using var reader = new StreamReader(plain, Encoding.UTF8);
        await using var output = new StreamWriter(
            Console.OpenStandardOutput(),
            new UTF8Encoding(false),
            1 << 16
        );
        foreach (var product in source(reader))
        {
            await output.WriteAsync(product.ToJsonString(Plain).AsMemory(), cancel);
            await output.WriteAsync("\n".AsMemory(), cancel);
        }
        return 0;
    }
}
