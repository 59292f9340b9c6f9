using System.Reflection;
using System.Text.RegularExpressions;

namespace Souk.Tests.Repo;

/// <summary>A test's name says what it shows, and every documented error is shown by one.</summary>
internal sealed partial class TestNameTests
{
    /// <summary>Reasons that no test can bring about, each with why.</summary>
    private static readonly Dictionary<string, string> ReasonsWithoutTest = new()
    {
        ["REASON_UNSPECIFIED"] = "never sent",
    };

    [Test]
    public void Tests_EachName_SaysSubjectConditionAndResult() =>
        Rule.Holds(
            from type in Assembly.GetExecutingAssembly().GetTypes()
            from method in type.GetMethods(
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly
            )
            where method.GetCustomAttributes().Any(IsTest) && !Name().IsMatch(method.Name)
            select $"{type.FullName}.{method.Name}",
            "Name it Subject_Condition_Result, such as ReserveStock_NotEnoughLeft_FailsWithOutOfStock."
        );

    [Test]
    public void Reasons_EachOne_IsInATest()
    {
        var tests = string.Join('\n', RepoFiles.Under("tests", ".cs").Select(file => file.Text));
        Rule.Holds(
            from pair in Contracts.Enums
            where pair.Value.Name == "Reason"
            from value in pair.Value.Value
            where !ReasonsWithoutTest.ContainsKey(value.Name)
            // As text in an answer, or as the enum's member in C#.
            where
                !Mentions(tests, value.Name)
                && !tests.Contains($"Reason.{PascalCase(value.Name)}", StringComparison.Ordinal)
            select $"{pair.Key}.{value.Name}",
            "The contract documents this error: show it in a test."
        );
    }

    private static bool IsTest(object attribute) =>
        attribute is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute;

    private static bool Mentions(string text, string word) =>
        Regex.IsMatch(text, $@"(?<!\w){Regex.Escape(word)}(?!\w)");

    private static string PascalCase(string screaming) =>
        string.Concat(screaming.Split('_').Select(word => word[..1] + word[1..].ToLowerInvariant()));

    [GeneratedRegex("^[A-Z][A-Za-z0-9]*_[A-Z0-9][A-Za-z0-9]*_[A-Z0-9][A-Za-z0-9]*$")]
    private static partial Regex Name();
}
