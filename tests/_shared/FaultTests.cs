using Grpc.Core;
using Souk.Probe.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Souk.Type;

namespace Souk.Tests.Shared;

internal sealed class FaultTests : ProbeFixture
{
    [Test]
    public void Make_ReasonAndFacts_ReadBack()
    {
        var error = Fault.Aborted(ProbeReason.TooMany, "too many", ("left", "3"));
        Assert.Multiple(() =>
        {
            Assert.That(error.StatusCode, Is.EqualTo(StatusCode.Aborted));
            Assert.That(error.Status.Detail, Is.EqualTo("too many"));
            Assert.That(Fault.ReasonOf(error), Is.EqualTo("TOO_MANY"));
            Assert.That(Fault.Is(error, ProbeReason.TooMany), Is.True);
            Assert.That(Fault.InfoOf(error)?.Domain, Is.EqualTo("souk.probe"));
            Assert.That(
                Fault.InfoOf(error)?.Metadata,
                Is.EqualTo(new Dictionary<string, string> { ["left"] = "3" })
            );
        });
    }

    [TestCase("TOO_MANY", "souk.probe")]
    [TestCase("TOO_FEW", "souk.other")]
    public void Adopted_ReasonOfOurOwnOrNot_HasItsDomain(string reason, string domain)
    {
        var status = new Google.Rpc.Status { Code = (int)StatusCode.Aborted, Message = "no" };
        var info = new Google.Rpc.ErrorInfo { Type = reason, Domain = "souk.other" };
        info.Metadata["left"] = "3";
        status.Details.Add(Google.Protobuf.WellKnownTypes.Any.Pack(info));
        var adopted = Fault.Adopted<ProbeReason>(Fault.FromStatus(status));
        Assert.Multiple(() =>
        {
            Assert.That((adopted.StatusCode, adopted.Status.Detail), Is.EqualTo((StatusCode.Aborted, "no")));
            Assert.That(Fault.InfoOf(adopted)?.Reason, Is.EqualTo(reason));
            Assert.That(Fault.InfoOf(adopted)?.Domain, Is.EqualTo(domain));
            Assert.That(Fault.InfoOf(adopted)?.Metadata["left"], Is.EqualTo("3"));
        });
    }

    [Test]
    public void InvalidArgument_SeveralFields_ReadBack()
    {
        Violation[] violations = [new("a", "is required"), new("b[1].c", "is too long")];
        var error = Fault.InvalidArgument(Reason.InvalidField, violations);
        Assert.That(Fault.ViolationsOf(error), Is.EqualTo(violations));
        Assert.That(Fault.InfoOf(error)?.Domain, Is.EqualTo("souk"));
    }

    [Test]
    public void Unavailable_WithPause_ReadsBack()
    {
        var error = Fault.Unavailable(Reason.CircuitOpen, "resting", TimeSpan.FromSeconds(2.5));
        Assert.That(Fault.RetryAfterOf(error), Is.EqualTo(TimeSpan.FromSeconds(2.5)));
    }

    [Test, Description("X-08: what a caller sent comes back in headers, which are small")]
    public void NotFound_NameOfTenThousandCharacters_IsCutBetweenCharacters()
    {
        var error = Fault.NotFound("sku", "x" + string.Concat(Enumerable.Repeat("😀", 5_000)));
        var resource = Fault.InfoOf(error)!.Metadata["resource"];
        Assert.That(resource, Has.Length.InRange(499, 500));
        Assert.That(resource, Does.EndWith("😀"));
        Assert.That(error.Status.Detail, Has.Length.InRange(499, 500));
        Assert.That(error.Trailers.GetValueBytes(Fault.DetailsTrailer), Has.Length.LessThan(5_000));
    }

    [Test]
    public void Cancelled_Made_HasItsReason() =>
        Assert.That(Fault.ReasonOf(Fault.Cancelled()), Is.EqualTo("CALL_CANCELLED"));

    [Test]
    public void ReasonOf_ErrorWithoutDetails_IsEmpty() =>
        Assert.That(Fault.ReasonOf(new RpcException(new Status(StatusCode.Unknown, "x"))), Is.Empty);

    [Test, Description("X-43")]
    public async Task Fail_Bug_ShowsATraceIdAndNoDetail()
    {
        var failure = await Failure.OfAsync(() => As(null).FailAsync(new FailRequest { How = "bug" }));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Internal, "INTERNAL_FAULT")));
        Assert.That(failure.Metadata["trace_id"], Has.Length.EqualTo(32));
        Assert.That(failure.Error.ToString(), Does.Not.Contain("secret"));
    }

    [Test]
    public async Task Fail_DatabaseAway_IsUnavailableWithAPause()
    {
        var failure = await Failure.OfAsync(() =>
            As(null).FailAsync(new FailRequest { How = "database away" })
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.Unavailable, "DEPENDENCY_UNAVAILABLE")));
        Assert.That(Fault.RetryAfterOf(failure.Error), Is.EqualTo(TimeSpan.FromSeconds(1)));
    }

    [Test]
    public async Task Fail_DeadlinePasses_IsDeadlineExceeded()
    {
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(300);
        var failure = await Failure.OfAsync(() =>
            As(null).FailAsync(new FailRequest { How = "slow query" }, deadline: deadline)
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.DeadlineExceeded));
    }
}
