using System.Text;

namespace Souk.Tests.Harness;

/// <summary>
/// The gateway's fuzz and its bench must not blame it for what they read wrongly themselves: a reader that
/// takes an answer for whole too early looks for the next one's beginning in the wrong place, and waits for
/// what it has already read.
/// </summary>
internal sealed class Http1AnswerTests
{
    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    // The trailers of gRPC-Web and the end of their chunk: five bytes that look like the last chunk.
    private const string GrpcWeb = Chunked + "15\r\n\u0080\0\0\0\u0010grpc-status: 0\r\n\r\n0\r\n\r\n";
    private const string Empty = "HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n";

    [TestCase(GrpcWeb)]
    [TestCase(Chunked + "0\r\n\r\n")]
    [TestCase(Chunked + "A\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n")]
    [TestCase("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n\r\n\r\n{}\n")]
    [TestCase("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n")]
    [TestCase(Empty)]
    public void LengthOf_Answer_IsKnownOnceItIsWholeAndNotBefore(string answer)
    {
        var bytes = Encoding.Latin1.GetBytes(answer);
        Assert.Multiple(() =>
        {
            for (var come = 0; come < bytes.Length; come++)
                Assert.That(Http1Answer.LengthOf(bytes.AsSpan(0, come)), Is.Null, $"after {come} bytes");
            Assert.That(Http1Answer.LengthOf(bytes), Is.EqualTo(bytes.Length));
            var withNext = Encoding.Latin1.GetBytes(answer + Empty);
            Assert.That(Http1Answer.LengthOf(withNext), Is.EqualTo(bytes.Length), "with the next one behind");
        });
    }

    [TestCase("0\r\n\r\n")]
    [TestCase(Chunked + "x\r\n")]
    [TestCase(Chunked + "1\r\nabc")]
    public void LengthOf_WhatIsNoAnswer_Throws(string bytes) =>
        Assert.That(
            () => Http1Answer.LengthOf(Encoding.Latin1.GetBytes(bytes)),
            Throws.InstanceOf<InvalidDataException>()
        );
}
