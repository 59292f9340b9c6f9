using Souk.Ordering;
using Souk.Ordering.V1;
using static Souk.Ordering.V1.OrderStatus;

namespace Souk.Tests.Ordering;

[Parallelizable(ParallelScope.All)]
internal sealed class OrderStatesTests
{
    // ORD-03 as it is written down, so that the code is not compared with itself.
    private static readonly Dictionary<OrderStatus, OrderStatus[]> s_next = new()
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
        from @from in s_next.Keys
        from to in s_next.Keys
        select new TestCaseData(@from, to).Returns(s_next[@from].Contains(to));

    [TestCaseSource(nameof(Pairs))]
    [Description("ORD-03")]
    public bool Allows_EachPair_IsAsTheMachineSays(OrderStatus from, OrderStatus to) =>
        OrderStates.Allows(from, to);

    [Test]
    public void Name_EachStatus_IsReadBack() =>
        Assert.That(
            s_next.Keys.Select(status => OrderStates.Parse(OrderStates.Name(status))),
            Is.EqualTo(s_next.Keys)
        );

    [Test]
    public void IsFinal_OnlyPending_IsNot() =>
        Assert.That(s_next.Keys.Where(status => !OrderStates.IsFinal(status)), Is.EqualTo(new[] { Pending }));
}
