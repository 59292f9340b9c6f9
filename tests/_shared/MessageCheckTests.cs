using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Probe.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Shared;

[Description("X-08")]
internal sealed class MessageCheckTests : ProbeFixture
{
    private static Item Good => new() { Name = "name", Kind = Kind.Small };

    [Test]
    public async Task Open_OutputOnlyField_IsCleared()
    {
        var item = Good;
        item.ItemId = "mine";
        var reply = await As(null).OpenAsync(new ProbeRequest { Item = item, Items = { item } });
        Assert.That(reply.Seen, Is.EqualTo(new ProbeRequest { Item = Good, Items = { Good } }));
    }

    [Test]
    public async Task Open_RequiredFieldsAbsent_NamesEachWithItsPath()
    {
        var request = new ProbeRequest
        {
            Item = new Item(),
            Items =
            {
                Good,
                new Item
                {
                    Name = "n",
                    Kind = Kind.Small,
                    Inner = new Item { Name = "n" },
                },
            },
        };
        var failure = await Failure.OfAsync(() => As(null).OpenAsync(request));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "FIELD_REQUIRED")));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "item.name", "item.kind", "items[1].inner.kind" }));
    }

    [Test]
    public async Task Open_WithUpdateMask_RequiredFieldsMayBeAbsent()
    {
        var request = new ProbeRequest { Item = new Item(), UpdateMask = FieldMask.FromString("item") };
        Assert.That((await As(null).OpenAsync(request)).Seen.Item, Is.EqualTo(new Item()));
    }

    [Test]
    public async Task Open_TextTooLong_FailsWithInvalidField()
    {
        var item = Good;
        item.Name = "eleven char";
        var failure = await Failure.OfAsync(() => As(null).OpenAsync(new ProbeRequest { Item = item }));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD")));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "item.name" }));
    }

    [TestCase(10_000, true)]
    [TestCase(10_001, false)]
    public async Task Open_TextWithoutOwnLimit_HasTheDefaultOne(int length, bool passes)
    {
        var request = new ProbeRequest { Text = new string('x', length) };
        if (passes)
            await As(null).OpenAsync(request);
        else
            Assert.That(
                (await Failure.OfAsync(() => As(null).OpenAsync(request))).Fields,
                Is.EqualTo(new[] { "text" })
            );
    }

    [Test]
    public async Task Open_TextWithNul_FailsWithInvalidField()
    {
        var failure = await Failure.OfAsync(() => As(null).OpenAsync(new ProbeRequest { Text = "a\0b" }));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "text" }));
    }

    [Test]
    public async Task Open_ListTooLong_FailsWithInvalidField()
    {
        var request = new ProbeRequest { Tags = { "a", "b", "c", "d" } };
        var failure = await Failure.OfAsync(() => As(null).OpenAsync(request));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "tags" }));
    }

    [Test]
    public async Task Open_NestedTooDeeply_FailsWithInvalidField()
    {
        var item = Good;
        for (var i = 0; i < 40; i++)
            item = new Item
            {
                Name = "n",
                Kind = Kind.Small,
                Inner = item,
            };
        var failure = await Failure.OfAsync(() => As(null).OpenAsync(new ProbeRequest { Item = item }));
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.InvalidArgument, "INVALID_FIELD")));
    }
}
