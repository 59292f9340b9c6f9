using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Souk.Tool.Load;

/// <summary>A catalogue of one JSON document a line, plain or gzipped
/// (services/catalog/samples/README.md).</summary>
internal sealed class CatalogueFile(string path)
{
    public string Name { get; } = Path.GetFileName(path);

    /// <summary>How many products it has; reads it once.</summary>
    public async Task<int> CountAsync(CancellationToken cancel)
    {
        var count = 0;
        await foreach (var _ in ReadAsync(cancel))
        {
            count++;
        }
        return count;
    }

    public async IAsyncEnumerable<CatalogueLine> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await using var file = File.OpenRead(path);
        await using var plain = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
            ? new GZipStream(file, CompressionMode.Decompress)
            : (Stream)file;
        using var reader = new StreamReader(plain, Encoding.UTF8);
        for (var number = 1; await reader.ReadLineAsync(cancel) is { } text; number++)
        {
            if (text.Length > 0 && text[0] != '#' && !string.IsNullOrWhiteSpace(text))
                yield return new CatalogueLine(number, text);
        }
    }
}

/// <summary>A product as the file has it.</summary>
internal sealed record CatalogueLine(int Number, string Text)
{
    private readonly byte[] _hash = SHA256.HashData(Encoding.UTF8.GetBytes(Text));

    /// <summary>Names the line's content in the load's memory.</summary>
    public string Mark => Convert.ToHexStringLower(_hash.AsSpan(0, 12));

    /// <summary>
    /// The same for the same content, whichever file or machine it comes from: a repeated load repeats its
    /// requests and the shop knows them again. Laid out as a version 8 UUID.
    /// </summary>
    public Guid IdempotencyKey
    {
        get
        {
            var bytes = _hash.AsSpan(0, 16).ToArray();
            bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
            bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
            return new Guid(bytes, bigEndian: true);
        }
    }
}
