using Grpc.Core;
using Souk.Shared;

namespace Souk.Tests.Shared;

[Parallelizable(ParallelScope.All)]
internal sealed class PageTokensTests
{
    private static readonly ServiceSettings Settings = new() { AppId = "probe", MeshSecret = "one" };
    private readonly PageTokens _pages = new(Settings);

    [TestCase(0, 50)]
    [TestCase(7, 7)]
    [TestCase(1000, 1000)]
    [TestCase(5000, 1000)]
    public void Open_Size_IsBounded(int asked, int size) =>
        Assert.That(_pages.Open("List", asked, "").Size, Is.EqualTo(size));

    [Test]
    public void Open_NegativeSize_IsInvalid() =>
        Assert.That(ReasonOf(() => _pages.Open("List", -1, "")), Is.EqualTo("INVALID_FIELD"));

    [Test]
    public void Next_MoreRows_TokenGoesOnAfterTheLast()
    {
        var instant = new DateTimeOffset(2026, 3, 1, 12, 0, 0, 123, TimeSpan.Zero).AddTicks(4560);
        var id = Guid.CreateVersion7();
        var rows = new List<(DateTimeOffset At, Guid Id)>
        {
            (default, default),
            (instant, id),
            (default, default),
        };
        var token = _pages.Open("List", 2, "", "filter").Next(rows, row => [row.At, row.Id]);
        Assert.That(rows, Has.Count.EqualTo(2));

        var next = _pages.Open("List", 2, token, "filter");
        Assert.That(next.IsFirst, Is.False);
        Assert.That(next.After<DateTimeOffset>(0), Is.EqualTo(instant));
        Assert.That(next.After<Guid>(1), Is.EqualTo(id));
    }

    [Test]
    public void Next_NoMoreRows_IsEmpty() =>
        Assert.That(_pages.Open("List", 2, "").Next([1, 2], row => [row]), Is.Empty);

    [Test]
    public void Open_TokenOfAnother_FailsWithPageTokenInvalid()
    {
        var token = _pages.Open("List", 1, "", "filter", 7).Next([1, 2], row => [row]);
        Assert.Multiple(() =>
        {
            Assert.That(() => _pages.Open("List", 1, token, "filter", 7), Throws.Nothing);
            Assert.That(
                ReasonOf(() => _pages.Open("Other", 1, token, "filter", 7)),
                Is.EqualTo("PAGE_TOKEN_INVALID")
            );
            Assert.That(
                ReasonOf(() => _pages.Open("List", 1, token, "filter", 8)),
                Is.EqualTo("PAGE_TOKEN_INVALID")
            );
            Assert.That(ReasonOf(() => _pages.Open("List", 1, token)), Is.EqualTo("PAGE_TOKEN_INVALID"));
            var other = new PageTokens(Settings with { MeshSecret = "two" });
            Assert.That(
                ReasonOf(() => other.Open("List", 1, token, "filter", 7)),
                Is.EqualTo("PAGE_TOKEN_INVALID")
            );
        });
    }

    [TestCase("x")]
    [TestCase("!!!!")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Open_DamagedToken_FailsWithPageTokenInvalid(string token) =>
        Assert.That(ReasonOf(() => _pages.Open("List", 1, token)), Is.EqualTo("PAGE_TOKEN_INVALID"));

    private static string ReasonOf(Action work) => Fault.ReasonOf(Assert.Throws<RpcException>(() => work())!);
}
