using Grpc.Core;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

[Parallelizable(ParallelScope.All)]
internal sealed class IdsTests
{
    private readonly ManualTimeProvider _clock = new();

    [Test]
    public void New_Prefix_ReadsBack()
    {
        var text = Ids.New("ord", _clock);
        Assert.That(text, Does.Match("^ord_[0-9a-f]{32}$"));
        Assert.That(Ids.Text("ord", Ids.Parse("ord", text)), Is.EqualTo(text));
    }

    [Test]
    public void New_LaterClock_SortsLater()
    {
        var first = Ids.New("ord", _clock);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(string.CompareOrdinal(Ids.New("ord", _clock), first), Is.Positive);
    }

    [TestCase("")]
    [TestCase("ord_")]
    [TestCase("ord_0198")]
    [TestCase("prod_0198c1d200007000800000000000abcd")]
    [TestCase("ord-0198c1d200007000800000000000abcd")]
    [TestCase("ord_0198c1d20000700080000000000zzzzz")]
    [TestCase("ord_0198c1d2-0000-7000-8000-00000000")]
    public void Parse_NotAnId_IsNotFound(string text)
    {
        var error = Assert.Throws<RpcException>(() => Ids.Parse("ord", text));
        Assert.That(error!.StatusCode, Is.EqualTo(StatusCode.NotFound));
    }

    [Test]
    public void ParseField_NotAnId_IsInvalid()
    {
        var error = Assert.Throws<RpcException>(() => Ids.ParseField("ord", "x", "order_id"));
        Assert.That(error!.StatusCode, Is.EqualTo(StatusCode.InvalidArgument));
    }
}
