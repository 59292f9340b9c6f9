using Souk.Tool.DataSets;

namespace Souk.Tests.Tools;

internal sealed class CsvTableTests
{
    [Test]
    public void Read_QuotedFields_KeepsCommasQuotesAndLineBreaks()
    {
        var rows = Rows("id,title\n1,\"Gone, Girl\"\n2,\"The \"\"Real\"\" One\"\n3,\"two\nlines\"\n");
        Assert.That(
            rows.Select(row => row["title"]),
            Is.EqualTo(new[] { "Gone, Girl", "The \"Real\" One", "two\nlines" })
        );
    }

    [Test]
    public void Read_CarriageReturnsAndNoLastBreak_GivesTheSameRows()
    {
        var rows = Rows("id,title\r\n1,a\r\n2,b");
        Assert.That(
            rows.Select(row => (row["id"], row["title"])),
            Is.EqualTo(new[] { ("1", "a"), ("2", "b") })
        );
    }

    [Test]
    public void Read_RowOfAnotherLength_LeavesItOut()
    {
        var rows = Rows("id,title\n1,a,stray\n2\n3,c\n");
        Assert.That(rows.Select(row => row["id"]), Is.EqualTo(new[] { "3" }));
    }

    [Test]
    public void Read_EmptyText_GivesNothing() => Assert.That(Rows(""), Is.Empty);

    private static IReadOnlyList<CsvRow> Rows(string text) => [.. CsvTable.Read(new StringReader(text))];
}
