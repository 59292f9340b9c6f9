using Souk.Ordering;
using Souk.Ordering.V1;
using static Souk.Ordering.V1.OrderStatus;

namespace Souk.Tests.Ordering;

[Parallelizable(ParallelScope.All)]
internal sealed class OrderStatesTests
{
    // ORD-03 as it is written down, so that the code is not compared with itself.
    private static readonly Dictionary<OrderStatus, OrderStatus[]> Next = new()
    {
        [Pending] = [Confirmed, Failed, Cancelled],
        [Confirmed] = [Shipped, Cancelled],
        [Shipped] = [Delivered],
        [Delivered] = [Returned],
        [Returned] = [],
        [Failed] = [],
        [Cancelled] = [],
    };

    private static IEnumerable<TestCaseData> Pairs() =>
        from @from in Next.Keys
        from to in Next.Keys
        select new TestCaseData(@from, to).Returns(Next[@from].Contains(to));

    [TestCaseSource(nameof(Pairs))]
    [Description("ORD-03")]
    public bool Allows_EachPair_IsAsTheMachineSays(OrderStatus from, OrderStatus to) =>
        OrderStates.Allows(from, to);

    [Test]
    public void Name_EachStatus_IsReadBack() =>
        Assert.That(
            Next.Keys.Select(status => OrderStates.Parse(OrderStates.Name(status))),
            Is.EqualTo(Next.Keys)
        );

    [Test]
    public void IsFinal_OnlyPending_IsNot() =>
        Assert.That(Next.Keys.Where(status => !OrderStates.IsFinal(status)), Is.EqualTo(new[] { Pending }));
}
