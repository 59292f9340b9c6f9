namespace Souk.Tests.Repo;

/// <summary>The comments of the contracts are the API's documentation: there are no others.</summary>
internal sealed class ProtoCommentTests
{
    private const double CommentShareMin = 0.40;

    [Test]
    public void Contracts_EachElement_HasAComment() =>
        Rule.Holds(
            from file in Contracts.Files
            from comment in ProtoComments.Of(file)
            where comment.Text.Length == 0
            select comment.Name,
            "Say above it what it means: unit, limits, format, errors."
        );

    [Test]
    public void Contracts_EachComment_IsASentence() =>
        Rule.Holds(
            from file in Contracts.Files
            from comment in ProtoComments.Of(file)
            where comment.Text.Length > 0 && comment.Text[^1] is not ('.' or ':' or '?')
            select $"{comment.Name}: {comment.Text}",
            "End the comment with a full stop."
        );

    [Test]
    public void Contracts_InTotal_AreDocumentedEnough()
    {
        var lines = RepoFiles.Under("protos/souk", ".proto").SelectMany(file => file.Lines).ToList();
        var comments = lines.Count(line => line.TrimStart().StartsWith("//", StringComparison.Ordinal));
        var written = lines.Count(line => !string.IsNullOrWhiteSpace(line));
        Assert.That(
            (double)comments / written,
            Is.GreaterThanOrEqualTo(CommentShareMin),
            $"{comments} of {written} lines"
        );
    }
}
