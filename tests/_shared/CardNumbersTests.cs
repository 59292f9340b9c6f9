using Souk.Shared;

namespace Souk.Tests.Shared;

[Description("PAY-12")]
internal sealed class CardNumbersTests
{
    [TestCase("4242424242424242")]
    [TestCase("378282246310005", Description = "15 digits")]
    [TestCase("6304000000000000", Description = "Maestro")]
    [TestCase("5555-5555-5555-4444")]
    [TestCase("x4242 4242 4242 4242y")]
    [TestCase("order 17 4242 4242 4242 4242 12/30")]
    public void Appears_NumberThatPassesLuhn_IsFound(string text) =>
        Assert.That(CardNumbers.Appears(text), Is.True);

    [TestCase("")]
    [TestCase("tok_success")]
    [TestCase("pm_1MqLiJLkdIwHu7ixUEgbFdYF")]
    [TestCase("4242424242424241", Description = "a wrong check digit")]
    [TestCase("42424242424", Description = "too short")]
    [TestCase("00000000000000000000", Description = "too long")]
    [TestCase("2026-11-21 10:41:09, parcel 8 of 12", Description = "dates and counts")]
    [TestCase("4242  4242  4242  4242", Description = "two spaces are no gap in a number")]
    public void Appears_AnythingElse_IsNot(string text) => Assert.That(CardNumbers.Appears(text), Is.False);
}
