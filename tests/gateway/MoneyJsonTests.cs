using Souk.Tests.Gateway.Protos;
using Money = Souk.Type.Money;

namespace Souk.Tests.Gateway;

/// <summary>
/// Souk's own additions to the mapping: money, short enum names, whole numbers, hidden fields.
/// </summary>
public sealed class MoneyJsonTests
{
    [TestCase("USD", 1234, "12.34")]
    [TestCase("JPY", 1234, "1234")]
    [TestCase("BHD", 1234, "1.234")]
    [TestCase("USD", 99990, "999.90")]
    [TestCase("USD", 0, "0.00")]
    [TestCase("USD", -5, "-0.05")]
    [TestCase("USD", long.MaxValue, "92233720368547758.07")]
    [TestCase("USD", long.MinValue, "-92233720368547758.08")]
    [Description("V10, K29")]
    public void ToJson_Money_IsAnExactDecimal(string currency, long minor, string amount)
    {
        var thing = new Thing
        {
            Price = new Money { Currency = currency, MinorUnits = minor },
        };
        Assert.That(
            Transcode.ToJson(thing),
            Does.Contain(
                $$"""
                "price":{"currency":"{{currency}}","amount":{{amount}}}
                """
            )
        );
        thing.UnitPrice = thing.Price;
        Assert.That(Transcode.ToJson(thing), Does.Contain($"\"unit_price\":{amount}"));
    }

    [TestCase("""{"currency":"USD","amount":12.34}""", "USD", 1234)]
    [TestCase("""{"amount":"12.34","currency":"USD"}""", "USD", 1234)]
    [TestCase("""{"currency":"USD","amount":12}""", "USD", 1200)]
    [TestCase("""{"currency":"USD","amount":1e2}""", "USD", 10000)]
    [TestCase("""{"currency":"USD","amount":12.340}""", "USD", 1234)]
    [TestCase("""{"currency":"JPY","amount":1234}""", "JPY", 1234)]
    [TestCase("""{"currency":"BHD","amount":-1.234}""", "BHD", -1234)]
    [TestCase("""{"currency":"USD","amount":92233720368547758.07}""", "USD", long.MaxValue)]
    [Description("V10, K29")]
    public void FromJson_Money_IsExact(string json, string currency, long minor) =>
        Assert.That(
            Transcode.FromJson<Thing>($$"""{"price":{{json}}}""").Price,
            Is.EqualTo(new Money { Currency = currency, MinorUnits = minor })
        );

    [TestCase("""{"currency":"USD","amount":12.345}""", "price.amount")]
    [TestCase("""{"currency":"JPY","amount":0.5}""", "price.amount")]
    [TestCase("""{"currency":"USD","amount":92233720368547758.08}""", "price.amount")]
    [TestCase("""{"currency":"USD","amount":1e300}""", "price.amount")]
    [TestCase("""{"currency":"USD","amount":"12,34"}""", "price.amount")]
    [TestCase("""{"currency":"USD","amount":true}""", "price.amount")]
    [TestCase("""{"currency":"USD"}""", "price.amount")]
    [TestCase("""{"currency":"usd","amount":1}""", "price.currency")]
    [TestCase("""{"currency":"XXQ","amount":1}""", "price.currency")]
    [TestCase("""{"amount":1}""", "price.currency")]
    [TestCase("""{"currency":"USD","amount":1,"amount":2}""", "price.amount")]
    [TestCase("""{"currency":"USD","minor_units":1}""", "price.minor_units")]
    [TestCase("12.34", "price")]
    public void FromJson_BadMoney_IsRefused(string json, string path) =>
        Assert.That(Transcode.Refusal<Thing>($$"""{"price":{{json}}}""").Field, Is.EqualTo(path));

    [TestCase("999.99", "999.99")]
    [TestCase("\"10.00\"", "10.00")]
    [TestCase("1e3", "1000")]
    [TestCase("1.5e-1", "0.15")]
    [TestCase("0.10000000000000000000", "0.1")]
    public void FromJson_PlainAmount_IsTheTextForTheService(string number, string amount)
    {
        var thing = Transcode.FromJson<Thing>($$"""{"unit_price":{{number}},"prices":[{{number}}]}""");
        Assert.That(thing.UnitPrice, Is.EqualTo(new Money { Amount = amount }));
        Assert.That(thing.Prices, Is.EqualTo(new[] { new Money { Amount = amount } }));
    }

    [Test]
    public void FromJson_PlainAmountAsObject_IsReadToo() =>
        Assert.That(
            Transcode.FromJson<Thing>("""{"unit_price":{"currency":"EUR","amount":1.5}}""").UnitPrice,
            Is.EqualTo(new Money { Currency = "EUR", MinorUnits = 150 })
        );

    [TestCase("\"x\"")]
    [TestCase("0.00001")]
    [TestCase("1e30")]
    [TestCase("true")]
    public void FromJson_BadPlainAmount_IsRefused(string json) =>
        Assert.That(
            Transcode.Refusal<Thing>($$"""{"unit_price":{{json}}}""").Field,
            Is.EqualTo("unit_price")
        );

    [Test]
    public void ToJson_Thing_IsAsTheDocumentsWriteIt()
    {
        var thing = new Thing
        {
            ThingId = "thing_1",
            Name = "Zürich <x>",
            State = ThingState.SoldOut,
            Stock = 9_007_199_254_740_993,
            Secret = "s",
            Password = "p",
            Etag = "e1",
            Rates =
            {
                ["a"] = new Money { Currency = "USD", MinorUnits = 5 },
            },
        };
        const string expected = """
            {"thing_id":"thing_1","name":"Zürich \u003Cx\u003E","state":"sold_out","tags":[],"attributes":{},
            "stock":"9007199254740993","etag":"e1","prices":[],"rates":{"a":{"currency":"USD","amount":0.05}},
            "request_id":"","metadata":{}}
            """;
        Assert.That(Transcode.ToJson(thing), Is.EqualTo(expected.ReplaceLineEndings("")));
        thing.Stock = 12;
        Assert.That(Transcode.ToJson(thing), Does.Contain("\"stock\":12,"));
    }

    [TestCase("\"sold_out\"")]
    [TestCase("\"SOLD_OUT\"")]
    [TestCase("\"THING_STATE_SOLD_OUT\"")]
    [TestCase("2")]
    public void FromJson_EnumInAnyForm_IsRead(string json) =>
        Assert.That(
            Transcode.FromJson<Thing>($$"""{"state":{{json}}}""").State,
            Is.EqualTo(ThingState.SoldOut)
        );

    [Test]
    public void FromJson_HiddenField_IsUnknown() =>
        Assert.That(
            Transcode.Refusal<Thing>("""{"secret":"x"}""").Reason,
            Is.EqualTo(Souk.Type.Reason.UnknownField)
        );
}
