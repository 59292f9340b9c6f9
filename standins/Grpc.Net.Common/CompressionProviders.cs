using System.IO.Compression;

namespace Grpc.Net.Compression;

/// <summary>Compresses messages under one name of the <c>grpc-encoding</c> header.</summary>
public interface ICompressionProvider
{
    /// <summary>The name on the wire.</summary>
    string EncodingName { get; }

    /// <summary>
    /// A stream that compresses what is written to it into <paramref name="stream" />, which stays open.
    /// </summary>
    Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel);

    /// <summary>A stream that reads <paramref name="stream" /> decompressed and leaves it open.</summary>
    Stream CreateDecompressionStream(Stream stream);
}

/// <summary>The encoding <c>gzip</c>.</summary>
public sealed class GzipCompressionProvider : ICompressionProvider
{
    private readonly CompressionLevel _defaultLevel;

    /// <summary>Creates a provider with the level for calls that ask for none.</summary>
    public GzipCompressionProvider(CompressionLevel defaultCompressionLevel) =>
        _defaultLevel = defaultCompressionLevel;

    /// <inheritdoc />
    public string EncodingName => "gzip";

    /// <inheritdoc />
    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new GZipStream(stream, compressionLevel ?? _defaultLevel, leaveOpen: true);

    /// <inheritdoc />
    public Stream CreateDecompressionStream(Stream stream) =>
        new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
}

/// <summary>
/// The encoding <c>deflate</c>, which by HTTP's definition is deflate inside a zlib frame (RFC 1950).
/// </summary>
public sealed class DeflateCompressionProvider : ICompressionProvider
{
    private readonly CompressionLevel _defaultLevel;

    /// <summary>Creates a provider with the level for calls that ask for none.</summary>
    public DeflateCompressionProvider(CompressionLevel defaultCompressionLevel) =>
        _defaultLevel = defaultCompressionLevel;

    /// <inheritdoc />
    public string EncodingName => "deflate";

    /// <inheritdoc />
    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new ZLibStream(stream, compressionLevel ?? _defaultLevel, leaveOpen: true);

    /// <inheritdoc />
    public Stream CreateDecompressionStream(Stream stream) =>
        new ZLibStream(stream, CompressionMode.Decompress, leaveOpen: true);
}
