using Souk.Gateway.Calls.Http2;
using Souk.Gateway.Transcoding;

namespace Souk.Tests.Gateway.Http2;

/// <summary>Headers on the wire: the examples of RFC 7541, and what no server may send.</summary>
internal sealed class HpackTests
{
    // C.2.1 to C.2.4, C.4.1 and C.6.1, as far as they lean on no earlier block.
    [TestCase("400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header")]
    [TestCase("040c2f73616d706c652f70617468", ":path: /sample/path")]
    [TestCase("100870617373776f726406736563726574", "password: secret")]
    [TestCase("82", ":method: GET")]
    [TestCase(
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        ":method: GET|:scheme: http|:path: /|:authority: www.example.com"
    )]
    [TestCase(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9"
            + "ae82ae43d3",
        ":status: 302|cache-control: private|date: Mon, 21 Oct 2013 20:13:21 GMT"
            + "|location: https://www.example.com"
    )]
    [TestCase("20", "")]
    public void Read_ExampleOfTheStandard_IsUnderstood(string block, string headers)
    {
        var read = new HeaderList();
        HpackReader.Read(Convert.FromHexString(block), read);

        Assert.That(
            string.Join('|', read.Select(header => $"{header.Key}: {header.Value}")),
            Is.EqualTo(headers)
        );
    }

    [TestCase("be", TestName = "Read_HeaderThatWasNeverSaid_IsRefused")]
    [TestCase("80", TestName = "Read_HeaderNumberZero_IsRefused")]
    [TestCase("3f01", TestName = "Read_TableLargerThanAgreed_IsRefused")]
    [TestCase("00", TestName = "Read_NameMissing_IsRefused")]
    [TestCase("000561", TestName = "Read_NameLongerThanTheBlock_IsRefused")]
    [TestCase("0001610561", TestName = "Read_ValueLongerThanTheBlock_IsRefused")]
    [TestCase("7fffffffffffffffff7f", TestName = "Read_NumberTooLarge_IsRefused")]
    [TestCase("ff", TestName = "Read_NumberWithoutEnd_IsRefused")]
    [TestCase("00016184ffffffff", TestName = "Read_EndOfStringInsideAText_IsRefused")]
    [TestCase("0001618100", TestName = "Read_PaddingOfZeros_IsRefused")]
    public void Read_BrokenBlock_IsRefused(string block) =>
        Assert.That(() => HpackReader.Read(Convert.FromHexString(block), []), Throws.TypeOf<IOException>());

    [TestCase(0)]
    [TestCase(126)]
    [TestCase(127)]
    [TestCase(128)]
    [TestCase(16_000)]
    public void Write_ValueOfAnyLength_IsReadBack(int length)
    {
        using var block = new PooledBuffer();
        HpackWriter.Field(block, "x-value", new string('v', length));
        var read = new HeaderList();
        HpackReader.Read(block.Written, read);

        Assert.That(read.Value("x-value"), Is.EqualTo(new string('v', length)));
    }
}
