using Souk.Sidecar.PubSub;

namespace Souk.Tests.Sidecar;

/// <summary>Readers of one group in one process: each message has one of them at a time.</summary>
internal sealed class StreamGroupTests
{
    [Test]
    public async Task TryBegin_AcknowledgedSinceTheServerWasAsked_DoesNotBeginAgain()
    {
        var group = new StreamGroup();
        Assert.That(group.TryBegin("1-0"));
        await group.LookAsync(() =>
        {
            // The server's answer names the message; its acknowledgement overtakes the answer.
            group.End("1-0", isLeft: false);
            Assert.That(group.TryBegin("1-0"), Is.False);
            return Task.FromResult(0);
        });
        Assert.That(group.TryBegin("1-0"), "the next answer is younger");
    }

    [Test]
    public async Task TryBegin_LeftByAReaderThatEnded_Begins()
    {
        var group = new StreamGroup();
        Assert.That(group.TryBegin("1-0"));
        await group.LookAsync(() =>
        {
            group.End("1-0", isLeft: true);
            Assert.That(group.TryBegin("1-0"));
            return Task.FromResult(0);
        });
        Assert.That(group.Left, Is.EqualTo(1));
    }
}
