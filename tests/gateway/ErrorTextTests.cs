using Google.Protobuf.Reflection;
using Souk.Gateway.Errors;
using Souk.Gateway.Routing;
using Souk.Type;

namespace Souk.Tests.Gateway;

/// <summary>What errors tell people, and in which language .</summary>
public sealed class ErrorTextTests
{
    private static readonly Contracts Shop = Contracts.Of(typeof(Money).Assembly);
    private GatewayHarness _gateway = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _gateway = await GatewayHarness.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _gateway.DisposeAsync();

    [Test]
    [Description("X-43")]
    public void Texts_EveryReason_HasOneInEachLanguage()
    {
        Assert.That(ErrorTexts.All.Languages, Is.EquivalentTo(new[] { "ar", "de", "en" }));
        var missing =
            from language in ErrorTexts.All.Languages
            from reason in Reasons()
            where string.IsNullOrWhiteSpace(ErrorTexts.All.Of(language, DomainOf(reason), reason.Name))
            select $"{language}: {DomainOf(reason)}.{reason.Name}";
        Assert.That(missing, Is.Empty, "Add the text to protos/texts.");
    }

    [TestCase("", "en")]
    [TestCase("de", "de")]
    [TestCase("de-CH, en;q=0.8", "de")]
    [TestCase("en;q=0.5, ar-EG;q=0.9", "ar")]
    [TestCase("fr, it;q=0.9", "en")]
    [TestCase("fr, DE;q=0.1", "de")]
    [TestCase("de;q=0, ar", "ar")]
    [TestCase("*", "en")]
    [TestCase("zh-Hant-TW, ar-Arab-EG", "ar")]
    [TestCase(";;;q=x", "en")]
    [Description("X-43")]
    public void LanguageFor_Header_IsTheBestOfOurs(string header, string language) =>
        Assert.That(ErrorTexts.All.LanguageFor(header), Is.EqualTo(language));

    [Test]
    [Description("X-43")]
    public async Task Problem_ForAGermanReader_IsInGerman()
    {
        var answer = await _gateway.SendAsync("GET", "/api/v1/nowhere", null, ("Accept-Language", "de-AT"));
        Assert.That((string?)answer.Json["title"], Is.EqualTo("Unter dieser Adresse gibt es nichts"));
        Assert.That((string?)answer.Json["reason"], Is.EqualTo("ROUTE_NOT_FOUND"));
        Assert.That(answer.Header("Content-Language"), Is.EqualTo("de,en"));
    }

    [Test]
    [Description("X-43")]
    public async Task Problem_WithoutAWish_IsInEnglish()
    {
        var answer = await _gateway.SendAsync("GET", "/api/v1/nowhere");
        Assert.That((string?)answer.Json["title"], Is.EqualTo("There is nothing at this address"));
        Assert.That(answer.Header("Content-Language"), Is.EqualTo("en"));
    }

    [Test]
    [Description("X-43")]
    public async Task Problem_OfAReasonWithoutText_TellsItsStatus()
    {
        var answer = await _gateway.SendAsync(
            "POST",
            "/api/v1/fail",
            """{"code":10,"reason":"NEW_REASON","message":"too late"}""",
            ("Accept-Language", "ar")
        );
        Assert.That((string?)answer.Json["title"], Is.EqualTo("يتعارض مع الحالة الحالية"));
        Assert.That((string?)answer.Json["detail"], Is.EqualTo("too late"));
    }

    [Test]
    [Description("X-43")]
    public async Task Problem_OfOurOwnFault_TellsNothingOfTheInside()
    {
        var answer = await _gateway.SendAsync(
            "POST",
            "/api/v1/fail",
            """{"code":13,"reason":"INTERNAL_FAULT","message":"relation order does not exist"}"""
        );
        Assert.That(answer.Body, Does.Not.Contain("relation"));
        Assert.That(answer.Json["metadata"]!.AsObject(), Is.Empty);
        Assert.That((string?)answer.Json["trace_id"], Has.Length.EqualTo(32));
    }

    private static IEnumerable<EnumValueDescriptor> Reasons() =>
        Shop
            .Files.SelectMany(file => file.EnumTypes)
            .Where(type => type.Name == "Reason")
            .SelectMany(type => type.Values)
            .Where(value => value.Number != 0);

    private static string DomainOf(EnumValueDescriptor reason)
    {
        var parts = reason.File.Package.Split('.');
        return parts[1] == "type" ? parts[0] : $"{parts[0]}.{parts[1]}";
    }
}
