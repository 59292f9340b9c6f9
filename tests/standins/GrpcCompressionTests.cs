using System.IO.Compression;
using System.Text;
using Grpc.Core;
using Grpc.Net.Compression;

namespace Souk.Tests.Standins;

[TestFixture]
public sealed class GrpcCompressionTests
{
    private static readonly string Text = string.Join(' ', Enumerable.Range(0, 2000));

    private static readonly ICompressionProvider[] Providers =
    [
        new GzipCompressionProvider(CompressionLevel.Fastest),
        new DeflateCompressionProvider(CompressionLevel.Fastest),
    ];

    [Test]
    public async Task Gzip_BothDirections_RoundTrips()
    {
        await using var server = await GrpcServer.StartAsync(options =>
        {
            options.ResponseCompressionAlgorithm = "gzip";
            options.ResponseCompressionLevel = CompressionLevel.Fastest;
        });
        // The client takes this header as the order to compress its requests and does not send it.
        var headers = new Metadata { { "grpc-internal-encoding-request", "gzip" } };
        var back = await server.Client.EchoAsync(Text, new CallOptions(headers));
        Assert.That(back, Is.EqualTo(Text));
        Assert.That(server.Seen.RequestEncoding, Is.EqualTo("gzip"));
        Assert.That(server.Wire.ResponseEncoding, Is.EqualTo("gzip"));
    }

    [Test]
    public async Task Gzip_StreamWithNoCompress_RoundTrips()
    {
        await using var server = await GrpcServer.StartAsync(o => o.ResponseCompressionAlgorithm = "gzip");
        var options = new CallOptions(writeOptions: new WriteOptions(WriteFlags.NoCompress));
        using var call = server.Client.Count(3, options);
        var got = new List<string>();
        await foreach (var response in call.ResponseStream.ReadAllAsync())
            got.Add(response);
        Assert.That(got, Is.EqualTo(new[] { "1", "2", "3" }));
    }

    [TestCaseSource(nameof(Providers))]
    public void Provider_CompressedBytes_AreSmallerAndComeBack(ICompressionProvider provider)
    {
        var bytes = Encoding.UTF8.GetBytes(Text);
        using var target = new MemoryStream();
        using (var compress = provider.CreateCompressionStream(target, CompressionLevel.Optimal))
            compress.Write(bytes);
        Assert.That(target.Length, Is.LessThan(bytes.Length / 2));

        target.Position = 0;
        using var back = new MemoryStream();
        using (var decompress = provider.CreateDecompressionStream(target))
            decompress.CopyTo(back);
        Assert.That(back.ToArray(), Is.EqualTo(bytes));
        Assert.That(target.CanRead, Is.True, "the inner stream belongs to the caller");
    }

    [Test]
    public void Provider_EncodingName_IsTheOneOnTheWire() =>
        Assert.That(Providers.Select(p => p.EncodingName), Is.EqualTo(new[] { "gzip", "deflate" }));

    [Test]
    public void Deflate_Output_HasZlibFrame()
    {
        using var target = new MemoryStream();
        using (var compress = Providers[1].CreateCompressionStream(target, null))
            compress.Write("souk"u8);
        // RFC 1950: method 8, window 32 KiB. Raw deflate, which other stacks refuse, starts differently.
        Assert.That(target.ToArray()[0], Is.EqualTo(0x78));
    }
}
