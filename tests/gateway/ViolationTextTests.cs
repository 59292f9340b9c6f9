using System.Text.RegularExpressions;
using Souk.Gateway.Errors;
using Souk.Tests.Repo;

namespace Souk.Tests.Gateway;

/// <summary>What people are told of a field that is wrong, in their language (X-43).</summary>
[Description("X-43")]
public sealed class ViolationTextTests
{
    private static readonly string[] Languages = ["ar", "de"];

    private static readonly Regex Demand = new(@"""(must (?:[^""\\]|\\.)*)""");

    // Where an expression in it has quotation marks, the text ends within the place.
    private static readonly Regex Place = new(@"\{[^{}]*(\}|$)");

    [TestCase("de", "is required", "fehlt")]
    [TestCase("de", "must have at most 200 characters", "darf höchstens 200 Zeichen haben")]
    [TestCase("de", "must be 1 to 999", "muss 1 bis 999 sein")]
    [TestCase("de", "must be 0.05 to 120 seconds", "muss 0.05 bis 120 Sekunden sein")]
    [TestCase("de", "must be one of pending, paid", "muss eines von diesen sein: pending, paid")]
    [TestCase(
        "de",
        "must look like prod_ and 32 hexadecimal digits",
        "muss aus prod_ und 32 hexadezimalen Ziffern bestehen"
    )]
    [TestCase(
        "de",
        "must have names of which each must not be blank",
        "muss Namen haben, für deren jeden gilt: darf nicht leer sein"
    )]
    [TestCase("ar", "must be 1 to 999", "يجب أن يكون من 1 إلى 999")]
    [TestCase("de", "sounds odd", null)]
    [TestCase("en", "is required", null)]
    public void Of_Violation_IsInTheLanguageWithItsNumbers(string language, string english, string? text) =>
        Assert.That(ViolationTexts.Of(language, english), Is.EqualTo(text));

    /// <summary>What the sources say must be so, with something in each place that they fill.</summary>
    [Test]
    public void Texts_EveryDemandOfTheSources_HasOneInEachLanguage()
    {
        var demands = new[] { "gateway", "services" }
            .SelectMany(folder => RepoFiles.Under(folder, ".cs"))
            .SelectMany(file => Demand.Matches(file.Text))
            .Select(match => Place.Replace(match.Groups[1].Value, "7").Replace("\\\"", "\""))
            .Distinct()
            .ToArray();
        var missing =
            from language in Languages
            from demand in demands
            where ViolationTexts.Of(language, demand) is null
            select $"{language}: {demand}";

        Assert.That(demands, Has.Length.GreaterThan(70));
        Assert.That(missing, Is.Empty, "Add the text to protos/texts/violations.");
    }

    [Test]
    public async Task Problem_ForAGermanReader_TellsViolationsInGerman()
    {
        await using var gateway = await GatewayHarness.StartAsync();
        var answer = await gateway.SendAsync(
            "GET",
            "/api/v1/things/search?page_size=many",
            null,
            ("Accept-Language", "de")
        );
        var violation = answer.Json["violations"]![0]!;

        Assert.That((string?)violation["field"], Is.EqualTo("page_size"));
        Assert.That((string?)violation["description"], Is.EqualTo("muss eine ganze Zahl mit 32 Bit sein"));
        Assert.That((string?)answer.Json["title"], Is.EqualTo("Eine Eingabe ist ungültig"));
    }
}
