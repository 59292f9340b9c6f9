using Google.Protobuf;
using Google.Protobuf.Reflection;
using Souk.Tests.Gateway.Protos;

namespace Souk.Tests.Gateway;

/// <summary>Google.Protobuf's own JSON code judges thousands of random messages.</summary>
public sealed class TranscodingOracleTests
{
    private const int Messages = 4000;

    private static readonly TypeRegistry Types = TypeRegistry.FromFiles(TranscodingReflection.Descriptor);
    private static readonly JsonFormatter Formatter = new(
        JsonFormatter.Settings.Default.WithFormatDefaultValues(false).WithTypeRegistry(Types)
    );
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(Types));

    [OneTimeSetUp]
    public void KnowTheTypes() => Transcode.Plan(Leaf.Descriptor);

    [Test]
    public void ToJson_RandomMessages_OfficialParserReadsTheSameMessage([Values(1, 2, 3)] int seed)
    {
        var random = new RandomMessages(seed);
        for (var count = 0; count < Messages; count++)
        {
            var message = random.Everything();
            var json = Transcode.ToJson(message);
            Assert.That(Parser.Parse<Everything>(json), Is.EqualTo(Canonical(message)), json);
        }
    }

    [Test]
    public void FromJson_TheOfficialFormattersJson_GivesTheSameMessage([Values(4, 5, 6)] int seed)
    {
        var random = new RandomMessages(seed);
        for (var count = 0; count < Messages; count++)
        {
            var message = random.Everything();
            var json = Formatter.Format(message);
            Assert.That(Transcode.FromJson<Everything>(json), Is.EqualTo(Canonical(message)), json);
        }
    }

    [Test]
    public void FromJson_OwnJson_GivesTheSameBytes([Values(7, 8)] int seed)
    {
        var random = new RandomMessages(seed);
        for (var count = 0; count < Messages; count++)
        {
            var message = random.Everything();
            var back = Transcode.FromJson<Everything>(Transcode.ToJson(message));
            Assert.That(back.ToByteArray(), Is.EqualTo(Canonical(message).ToByteArray()));
        }
    }

    [Test]
    public void ToJson_FieldsInAnyOrderAndInParts_MergesAsTheOfficialParser([Values(9)] int seed)
    {
        var random = new RandomMessages(seed);
        for (var count = 0; count < Messages; count++)
        {
            // Two entries of one map key are legal on the wire and make JSON that names the key twice: no
            // maps here.
            var second = WithoutMaps(random.Everything());
            byte[] parts = [.. random.Everything().ToByteArray(), .. second.ToByteArray()];
            var merged = Everything.Parser.ParseFrom(parts);
            var json = Transcode.ToJson(Everything.Descriptor, parts);
            Assert.That(
                Transcode.FromJson<Everything>(json).ToString(),
                Is.EqualTo(Canonical(merged).ToString())
            );
        }
    }

    [Test]
    public void FromJson_MutatedJson_NeverFailsOtherwiseThanRefusing([Values(10, 11)] int seed)
    {
        var messages = new RandomMessages(seed);
        var random = new Random(seed);
        for (var count = 0; count < Messages * 3; count++)
        {
            var json = System.Text.Encoding.UTF8.GetBytes(Formatter.Format(messages.Everything()));
            for (var changes = random.Next(4); changes >= 0 && json.Length > 0; changes--)
                json = Mutate(json, random);
            try
            {
                Transcode.FromJson<Everything>(json);
            }
            catch (Souk.Gateway.Transcoding.BadRequestException e)
            {
                Assert.That(e.Description, Is.Not.Empty);
            }
        }
    }

    [Test]
    public void ToJson_DamagedBytes_NeverReadsPastTheEnd([Values(12)] int seed)
    {
        var messages = new RandomMessages(seed);
        var random = new Random(seed);
        for (var count = 0; count < Messages; count++)
        {
            var wire = Mutate(messages.Everything().ToByteArray(), random);
            try
            {
                Transcode.ToJson(Everything.Descriptor, wire);
            }
            catch (Exception e)
            {
                Assert.That(e, Is.InstanceOf<InvalidDataException>().Or.InstanceOf<ArgumentException>());
            }
        }
    }

    private static Everything WithoutMaps(Everything message)
    {
        var copy = new Everything { RLeaf = { message.RLeaf }, WTimestamp = message.WTimestamp };
        copy.FMessage = new Everything { FInt32 = message.FInt32, RInt64 = { message.RInt64 } };
        if (message.ChoiceCase == Everything.ChoiceOneofCase.OLeaf)
            copy.OLeaf = message.OLeaf;
        else
            copy.OInt32 = message.OInt32;
        return copy;
    }

    // A float is equal to itself once it has been on the wire; so is an unset wrapper.
    private static Everything Canonical(Everything message) =>
        Everything.Parser.ParseFrom(message.ToByteArray());

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        if (bytes.Length == 0)
            return [(byte)random.Next(256)];
        var at = random.Next(bytes.Length);
        var characters = "{}[]\",:0123456789-+.eE\\ntfu \u0000\u00ff"u8;
        switch (random.Next(5))
        {
            case 0:
                bytes[at] = characters[random.Next(characters.Length)];
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2:
                return [.. bytes[..at], .. bytes[(at + 1)..]];
            case 3:
                return [.. bytes[..at], .. bytes[at..Math.Min(at + 20, bytes.Length)], .. bytes[at..]];
            default:
                return bytes[..at];
        }
    }
}
