using Souk.Gateway.Calls;

namespace Souk.Tests.Gateway;

/// <summary>What watches over calls is used for one after the other: none may end another's.</summary>
public sealed class DeadlineTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Test]
    public void Deadline_CallerLeaves_End()
    {
        using var caller = new CancellationTokenSource();
        using var deadline = Deadline.Begin(Long, caller.Token);
        Assert.That(deadline.Token.IsCancellationRequested, Is.False);
        caller.Cancel();
        Assert.That(deadline.Token.IsCancellationRequested, Is.True);
    }

    [Test]
    public void Deadline_TimeIsOver_End()
    {
        using var deadline = Deadline.Begin(TimeSpan.FromMilliseconds(1), CancellationToken.None);
        Assert.That(deadline.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)), Is.True);
    }

    [Test]
    public void Deadline_CallerOfAnEarlierCallLeaves_StayOn()
    {
        using var earlier = new CancellationTokenSource();
        Deadline.Begin(Long, earlier.Token).Dispose();
        using var caller = new CancellationTokenSource();
        using var deadline = Deadline.Begin(Long, caller.Token);
        earlier.Cancel();
        Assert.That(deadline.Token.IsCancellationRequested, Is.False);
    }

    [Test]
    public void Deadline_EarlierCallRanOutOfTime_BeginAnew()
    {
        using (var earlier = Deadline.Begin(TimeSpan.FromMilliseconds(1), CancellationToken.None))
            Assert.That(earlier.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)), Is.True);
        using var deadline = Deadline.Begin(Long, CancellationToken.None);
        Assert.That(deadline.Token.IsCancellationRequested, Is.False);
    }
}
