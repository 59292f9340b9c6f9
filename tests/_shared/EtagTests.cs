using Grpc.Core;
using Souk.Shared;

namespace Souk.Tests.Shared;

[Parallelizable(ParallelScope.All)]
[Description("X-20")]
internal sealed class EtagTests
{
    [TestCase("v5")]
    [TestCase("\"v5\"")]
    [TestCase("W/\"v5\"")]
    [TestCase("*")]
    [TestCase("")]
    public void Check_SameVersionOrNone_Passes(string etag) =>
        Assert.That(() => Etag.Check(etag, 5, "prod_1"), Throws.Nothing);

    [Test]
    public void Check_OtherVersion_FailsWithVersionConflict()
    {
        var error = Assert.Throws<RpcException>(() => Etag.Check(Etag.Of(4), 5, "prod_1"));
        Assert.That(
            (error!.StatusCode, Fault.ReasonOf(error)),
            Is.EqualTo((StatusCode.Aborted, "VERSION_CONFLICT"))
        );
    }

    [TestCase("5")]
    [TestCase("v")]
    [TestCase("v-5")]
    [TestCase("\"abc\"")]
    public void Check_NotAnEtag_IsInvalid(string etag)
    {
        var error = Assert.Throws<RpcException>(() => Etag.Check(etag, 5, "prod_1"));
        Assert.That(error!.StatusCode, Is.EqualTo(StatusCode.InvalidArgument));
    }
}
