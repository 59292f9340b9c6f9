using System.Text.Json;
using Souk.Sidecar.Cel;

namespace Souk.Tests.Sidecar;

/// <summary>The expression language of routing rules.</summary>
internal sealed class CelTests
{
    private static readonly JsonElement Event = JsonDocument
        .Parse(
            """
            {"type":"order.created","source":"shop/eu","n":3,
             "data":{"kind":"vip","total":12.5,"lines":[{"sku":"a","qty":1},{"sku":"b","qty":3}],"tags":["x","y"],
                     "gift":true,"note":null,"a-b":1}}
            """
        )
        .RootElement;

    [TestCase("event.type == \"order.created\"")]
    [TestCase("event.type == 'order.created' && event.data.kind == 'vip'")]
    [TestCase("event.type != \"order.paid\"")]
    [TestCase("event.data.kind == \"no\" || event.n == 3")]
    [TestCase("event.data.total > 12 && event.data.total <= 12.5 && event.n >= 3 && event.n < 4.5")]
    [TestCase("event.data.kind in ['basic', 'vip']")]
    [TestCase("!(event.data.kind in ['basic'])")]
    [TestCase("'x' in event.data.tags && 'kind' in event.data")]
    [TestCase("has(event.data.kind) && !has(event.data.missing)")]
    [TestCase("has(event.data.missing) ? event.data.missing.x == 1 : true")]
    [TestCase("event.type.startsWith('order.') && event.type.endsWith('created')")]
    [TestCase("event.source.contains(\"/\") && event.source.matches('^shop/[a-z]{2}$')")]
    [TestCase("size(event.data.lines) == 2 && event.data.tags.size() == 2 && size('注文') == 2")]
    [TestCase("event.data.lines[1].sku == 'b' && event.data['a-b'] == 1")]
    [TestCase("event.data.lines.exists(line, line.qty > 2) && event.data.lines.all(l, l.qty > 0)")]
    [TestCase("event.data.lines.exists_one(l, l.sku == 'a')")]
    [TestCase("event.data.gift && event.data.note == null")]
    [TestCase("event.data.missing == 1 || event.data.gift")]
    [TestCase("!(event.data.missing == 1 && !event.data.gift)")]
    [TestCase("7 / 2 == 3 && 7 % 2 == 1 && 7.0 / 2.0 == 3.5 && -2 + 3 * 2 == 4 && 2 - 1 - 1 == 0")]
    [TestCase("'a' + \"b\" == 'ab' && [1] + [2.0] == [1, 2] && 0x10 == 16 && 5u == 5 && 1e2 == 100")]
    [TestCase("int('7') == 7 && double(7) == 7.0 && string(7) == '7' && int(7.9) == 7")]
    [TestCase("\"\\u0041\\n\" == 'A\\n' && r'\\d' == '\\\\d' && 'b' > 'a' && true != false")]
    [TestCase("1 != '1'")]
    public void Holds_TrueCondition_DoesHold(string text) =>
        Assert.That(CelExpression.Parse(text).Evaluate(CelScope.Of("event", Event)), Is.EqualTo(true));

    [TestCase("event.data.missing == 'x'", "no such key: missing")]
    [TestCase("event.type.nope == 1", "a string has no field 'nope'")]
    [TestCase("other == 1", "there is no variable 'other'")]
    [TestCase("event.type < 3", "a string and a int have no order")]
    [TestCase("event.data.lines[2].sku == 'c'", "index 2 is outside the list")]
    [TestCase("event.type.matches('[')", "Invalid pattern")]
    [TestCase("1 / 0 == 1", "divide by zero")]
    [TestCase("9223372036854775807 + 1 > 0", "overflow")]
    [TestCase("!event.type", "'!' needs a bool, not a string")]
    [TestCase("event.data.lines.all(l, l.none > 0)", "no such key: none")]
    public void Holds_ConditionThatFails_DoesNotHold(string text, string why)
    {
        var expression = CelExpression.Parse(text);
        var value = expression.Evaluate(CelScope.Of("event", Event));
        Assert.That((value as CelError)?.Message, Does.Contain(why));
        Assert.That(expression.Holds(CelScope.Of("event", Event)), Is.False);
    }

    [TestCase("event.type", "a value that is no condition")]
    [TestCase("false", "")]
    public void Holds_AnythingElse_DoesNotHold(string text, string _) =>
        Assert.That(CelExpression.Parse(text).Holds(CelScope.Of("event", Event)), Is.False);

    [TestCase("")]
    [TestCase("event.type ==")]
    [TestCase("event.type = 'x'")]
    [TestCase("event.type == 'x")]
    [TestCase("(event.type == 'x'")]
    [TestCase("event.type.upper() == 'X'")]
    [TestCase("size(1, 2) == 3")]
    [TestCase("has(event)")]
    [TestCase("a b")]
    [TestCase("'\\q' == 'q'")]
    [TestCase("1.2.3 == 1 ^ 2")]
    public void Parse_NoExpression_SaysWhere(string text) =>
        Assert.That(() => CelExpression.Parse(text), Throws.TypeOf<FormatException>());

    [Test]
    public void Parse_ThousandParentheses_IsRefusedNotCrashing() =>
        Assert.That(
            () => CelExpression.Parse(new string('(', 1000) + "1" + new string(')', 1000)),
            Throws.TypeOf<FormatException>()
        );
}
