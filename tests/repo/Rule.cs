namespace Souk.Tests.Repo;

/// <summary>Asserts a rule of the house: nothing broke it, or the message lists what did and says what to do
/// instead.</summary>
internal static class Rule
{
    private const int ShownMax = 40;

    public static void Holds(IEnumerable<string> violations, string instead)
    {
        var all = violations.ToList();
        var shown = string.Join(Environment.NewLine, all.Take(ShownMax));
        var more = all.Count > ShownMax ? $"{Environment.NewLine}… and {all.Count - ShownMax} more" : "";
        Assert.That(all, Is.Empty, $"{instead}{Environment.NewLine}{shown}{more}");
    }
}
