using System.IO.Compression;
using System.Text;
using Souk.Tool.Load;

namespace Souk.Tests.Tools;

internal sealed class CatalogueFileTests
{
    private const string Text = "# a comment\n{\"name\":\"A\"}\n\n{\"name\":\"Ä\"}\n";

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("souk-test-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("plain.jsonl")]
    [TestCase("packed.jsonl.gz")]
    public async Task Read_CommentsAndBlankLines_SkipsThemAndCountsTheirNumbers(string name)
    {
        var file = new CatalogueFile(Write(name, Text));
        var lines = await file.ReadAsync(CancellationToken.None).ToListAsync();
        Assert.Multiple(() =>
        {
            Assert.That(lines.Select(line => line.Number), Is.EqualTo(new[] { 2, 4 }));
            Assert.That(lines[1].Text, Is.EqualTo("{\"name\":\"Ä\"}"));
        });
        Assert.That(await file.CountAsync(CancellationToken.None), Is.EqualTo(2));
    }

    [Test]
    public void IdempotencyKey_SameContent_IsTheSameUuid()
    {
        var here = new CatalogueLine(1, "{\"name\":\"A\"}");
        var there = new CatalogueLine(900, "{\"name\":\"A\"}");
        var other = new CatalogueLine(1, "{\"name\":\"B\"}");
        Assert.Multiple(() =>
        {
            Assert.That(there.IdempotencyKey, Is.EqualTo(here.IdempotencyKey));
            Assert.That(there.Mark, Is.EqualTo(here.Mark));
            Assert.That(other.IdempotencyKey, Is.Not.EqualTo(here.IdempotencyKey));
            Assert.That(here.IdempotencyKey.Version, Is.EqualTo(8));
        });
    }

    [Test]
    public void Memory_KilledInTheMiddleOfAMark_KnowsTheOthersAndGoesOn()
    {
        var (first, second, third) = (
            new CatalogueLine(1, "a"),
            new CatalogueLine(2, "b"),
            new CatalogueLine(3, "c")
        );
        using (var memory = LoadMemory.Open(_folder, "f.jsonl", "user_1"))
            memory.Add(first);
        var path = Directory.GetFiles(_folder).Single();
        File.AppendAllText(path, second.Mark[..5]);

        using (var memory = LoadMemory.Open(_folder, "f.jsonl", "user_1"))
        {
            Assert.That((memory.Has(first), memory.Has(second)), Is.EqualTo((true, false)));
            memory.Add(third);
        }
        using var last = LoadMemory.Open(_folder, "f.jsonl", "user_1");
        Assert.That((last.Has(first), last.Has(second), last.Has(third)), Is.EqualTo((true, false, true)));
    }

    [Test]
    public void Memory_OfAnotherSeller_IsAnother()
    {
        var line = new CatalogueLine(1, "a");
        using (var memory = LoadMemory.Open(_folder, "f.jsonl", "user_1"))
            memory.Add(line);
        using var other = LoadMemory.Open(_folder, "f.jsonl", "user_2");
        Assert.That(other.Has(line), Is.False);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        using var file = File.Create(path);
        using var target = name.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionLevel.Fastest)
            : (Stream)file;
        target.Write(Encoding.UTF8.GetBytes(text));
        return path;
    }
}
