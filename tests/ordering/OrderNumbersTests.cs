using Souk.Ordering;

namespace Souk.Tests.Ordering;

[Parallelizable(ParallelScope.All)]
internal sealed class OrderNumbersTests
{
    [Test]
    [Description("ORD-04")]
    public void Of_KnownUuid_IsItsLastSixtyBits() =>
        Assert.That(
            OrderNumbers.Of(Guid.Parse("0198c0de-0000-7000-8fff-ffffffffffff")),
            Is.EqualTo("SO-ZZZZ-ZZZZ-ZZZZ")
        );

    [Test]
    public void Of_ManyOrders_NeverRepeatsAndUsesClearLetters()
    {
        var numbers = Enumerable
            .Range(0, 100_000)
            .Select(_ => OrderNumbers.Of(Guid.CreateVersion7()))
            .ToHashSet();
        Assert.That(numbers, Has.Count.EqualTo(100_000));
        Assert.That(numbers, Is.All.Matches("^SO(-[0-9A-HJKMNP-TV-Z]{4}){3}$"));
    }
}
