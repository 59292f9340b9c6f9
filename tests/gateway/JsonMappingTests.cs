using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Souk.Tests.Gateway.Protos;
using Souk.Type;

namespace Souk.Tests.Gateway;

/// <summary>The proto3 JSON mapping's edges, case by case.</summary>
public sealed class JsonMappingTests
{
    [TestCase("""{"f_int32": 2147483647}""", 2147483647)]
    [TestCase("""{"f_int32": "-2147483648"}""", -2147483648)]
    [TestCase("""{"fInt32": 1e5}""", 100000)]
    [TestCase("""{"f_int32": 1.50e1}""", 15)]
    [TestCase("""{"f_int32": 100.000}""", 100)]
    [TestCase("""{"f_int32": -0}""", 0)]
    [TestCase("""{"f_int32": null}""", 0)]
    public void FromJson_Int32_IsRead(string json, int expected) =>
        Assert.That(Transcode.FromJson<Everything>(json).FInt32, Is.EqualTo(expected));

    [TestCase("2147483648")]
    [TestCase("-2147483649")]
    [TestCase("0.5")]
    [TestCase("1e-1")]
    [TestCase("1e400")]
    [TestCase("\"\"")]
    [TestCase("\" 1\"")]
    [TestCase("\"1 \"")]
    [TestCase("\"+1\"")]
    [TestCase("\"01\"")]
    [TestCase("\"0x10\"")]
    [TestCase("\"1,000\"")]
    [TestCase("true")]
    [TestCase("[1]")]
    [TestCase("{}")]
    public void FromJson_WrongInt32_IsRefusedWithItsPath(string value)
    {
        var refusal = Transcode.Refusal<Everything>($$"""{"f_message": {"f_int32": {{value}} } }""");
        Assert.That((refusal.Reason, refusal.Field), Is.EqualTo((Reason.InvalidField, "f_message.f_int32")));
    }

    [TestCase("f_int64", "9223372036854775807", true)]
    [TestCase("f_int64", "\"-9223372036854775808\"", true)]
    [TestCase("f_int64", "9223372036854775808", false)]
    [TestCase("f_uint64", "18446744073709551615", true)]
    [TestCase("f_uint64", "\"18446744073709551616\"", false)]
    [TestCase("f_uint64", "-1", false)]
    [TestCase("f_uint32", "4294967295", true)]
    [TestCase("f_uint32", "4294967296", false)]
    [TestCase("f_sint32", "-2147483648", true)]
    [TestCase("f_fixed32", "-1", false)]
    [TestCase("f_sfixed64", "-9223372036854775808", true)]
    [TestCase("f_float", "3.4028234663852886e38", true)]
    [TestCase("f_float", "3.5e38", false)]
    [TestCase("f_float", "\"NaN\"", true)]
    [TestCase("f_double", "\"-Infinity\"", true)]
    [TestCase("f_double", "\"Infinity\"", true)]
    [TestCase("f_double", "\"1.5\"", true)]
    [TestCase("f_double", "1.7976931348623158e309", false)]
    [TestCase("f_double", "\"inf\"", false)]
    [TestCase("f_double", "NaN", false)]
    [TestCase("f_bool", "true", true)]
    [TestCase("f_bool", "\"true\"", false)]
    [TestCase("f_bool", "1", false)]
    [TestCase("f_string", "1", false)]
    [TestCase("f_string", "\"\\ud83d\\ude00\"", true)]
    [TestCase("f_string", "\"\\ud83d\"", false)]
    [TestCase("f_string", "\"\\u0000\"", false)]
    [TestCase("f_colour", "\"COLOUR_RED\"", true)]
    [TestCase("f_colour", "\"red\"", true)]
    [TestCase("f_colour", "\"Deep_Blue\"", true)]
    [TestCase("f_colour", "2", true)]
    [TestCase("f_colour", "\"2\"", true)]
    [TestCase("f_colour", "-1", true)]
    [TestCase("f_colour", "\"MAUVE\"", false)]
    [TestCase("f_colour", "1.5", false)]
    [TestCase("f_bytes", "\"-_8=\"", true)]
    [TestCase("f_bytes", "\"+/8\"", true)]
    [TestCase("f_bytes", "\"+/8=\"", true)]
    [TestCase("f_bytes", "\"\"", true)]
    [TestCase("f_bytes", "\"a\"", false)]
    [TestCase("f_bytes", "\"a b=\"", false)]
    [TestCase("f_bytes", "\"*\"", false)]
    [TestCase("w_timestamp", "\"2026-08-01T09:30:00Z\"", true)]
    [TestCase("w_timestamp", "\"2026-08-01\"", true)]
    [TestCase("w_timestamp", "\"0001-01-01T00:00:00Z\"", true)]
    [TestCase("w_timestamp", "\"9999-12-31T23:59:59.999999999Z\"", true)]
    [TestCase("w_timestamp", "\"0001-01-01T00:00:00+01:00\"", false)]
    [TestCase("w_timestamp", "\"2026-02-29T00:00:00Z\"", false)]
    [TestCase("w_timestamp", "\"2026-08-01T24:00:00Z\"", false)]
    [TestCase("w_timestamp", "\"2026-08-01T09:30:00\"", false)]
    [TestCase("w_timestamp", "\"2026-08-01T09:30:00.1234567891Z\"", false)]
    [TestCase("w_timestamp", "0", false)]
    [TestCase("w_duration", "\"1.5s\"", true)]
    [TestCase("w_duration", "\"-0.5s\"", true)]
    [TestCase("w_duration", "\"315576000000s\"", true)]
    [TestCase("w_duration", "\"315576000001s\"", false)]
    [TestCase("w_duration", "\"1.5\"", false)]
    [TestCase("w_duration", "\"+1s\"", false)]
    [TestCase("w_mask", "\"name,priceMin.currency\"", true)]
    [TestCase("w_mask", "\"\"", true)]
    [TestCase("w_mask", "\"a,,b\"", false)]
    [TestCase("w_empty", "{}", true)]
    [TestCase("w_empty", "{\"a\":1}", false)]
    [TestCase("w_int64", "\"5\"", true)]
    [TestCase("w_int64", "{\"value\":5}", false)]
    [TestCase("w_list", "[1,\"a\",null,[],{}]", true)]
    [TestCase("w_list", "{}", false)]
    [TestCase("w_struct", "{\"a\":{\"b\":[1]}}", true)]
    [TestCase("w_struct", "[]", false)]
    [TestCase("w_value", "null", true)]
    [TestCase("w_values", "[null,1]", true)]
    [TestCase("r_int32", "[1,null]", false)]
    [TestCase("r_int32", "1", false)]
    [TestCase("r_int32", "null", true)]
    [TestCase("m_int32", "{\"-5\":\"7\"}", true)]
    [TestCase("m_int32", "{\"x\":1}", false)]
    [TestCase("m_bool", "{\"true\":{}}", true)]
    [TestCase("m_bool", "{\"yes\":{}}", false)]
    [TestCase("m_string", "{\"a\":null}", false)]
    [TestCase("w_any", "{\"size\":1,\"@type\":\"type.googleapis.com/transcoding.test.Leaf\"}", true)]
    [TestCase("w_any", "{\"@type\":\"type.googleapis.com/transcoding.test.Nothing\"}", false)]
    [TestCase("w_any", "{\"@type\":\"type.googleapis.com/google.protobuf.Duration\",\"value\":\"1s\"}", true)]
    public void FromJson_Value_IsReadOrRefused(string field, string value, bool isGood)
    {
        var json = $$"""{"{{field}}": {{value}}}""";
        Transcode.Plan(Leaf.Descriptor);
        if (isGood)
            Assert.That(() => Transcode.FromJson<Everything>(json), Throws.Nothing);
        else
            Assert.That(Transcode.Refusal<Everything>(json).Description, Is.Not.Empty);
    }

    [Test]
    public void FromJson_TimestampWithOffset_IsTheSameInstant()
    {
        var message = Transcode.FromJson<Everything>("""{"w_timestamp":"2026-08-01T09:30:00.5+02:00"}""");
        Assert.That(
            message.WTimestamp,
            Is.EqualTo(new DateTime(2026, 8, 1, 7, 30, 0, 500, DateTimeKind.Utc).ToTimestamp())
        );
    }

    [TestCase("""{"m_string":{"a":"1","\u0061":"2"}}""", "m_string.a")]
    [TestCase("""{"m_int32":{"1":"1","2":"2","1.0":"3"}}""", "m_int32.1.0")]
    [TestCase("""{"f_int32":1,"fInt32":2}""", "f_int32")]
    [TestCase("""{"f_int32":1,"f_int32":null}""", "f_int32")]
    [TestCase("""{"o_string":"a","o_int32":1}""", "o_int32")]
    [TestCase("""{"w_struct":{"a":1,"a":2}}""", "w_struct.a")]
    public void FromJson_GivenTwice_IsRefused(string json, string path)
    {
        var refusal = Transcode.Refusal<Everything>(json);
        Assert.That((refusal.Reason, refusal.Field), Is.EqualTo((Reason.InvalidField, path)));
    }

    [Test]
    public void FromJson_LargeMapWithOneKeyTwice_IsRefused([Values(17, 300)] int count)
    {
        var entries = string.Join(
            ',',
            Enumerable.Range(0, count).Select(key => $"\"k{key}\":\"{new string('v', key)}\"")
        );
        var good = Transcode.FromJson<Everything>("{\"m_string\":{" + entries + "}}");
        Assert.That(good.MString, Has.Count.EqualTo(count));
        foreach (var twice in new[] { 0, count - 1 })
        {
            var refusal = Transcode.Refusal<Everything>(
                "{\"m_string\":{" + entries + $",\"k{twice}\":\"\"}}}}"
            );
            Assert.That(refusal.Field, Is.EqualTo($"m_string.k{twice}"));
        }
    }

    [TestCase("""{"nothing":1}""", "nothing")]
    [TestCase("""{"r_leaf":[{},{"next":{"colour":1}}]}""", "r_leaf[1].next.colour")]
    [TestCase("""{"m_bool":{"false":{"x":1}}}""", "m_bool.false.x")]
    [TestCase("""{"F_int32":1}""", "F_int32")]
    [TestCase("""{"":1}""", "")]
    public void FromJson_UnknownField_IsRefusedWithItsPath(string json, string path)
    {
        var refusal = Transcode.Refusal<Everything>(json);
        Assert.That((refusal.Reason, refusal.Field), Is.EqualTo((Reason.UnknownField, path)));
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("""{"f_int32":1}x""")]
    [TestCase("""{"f_int32":1,}""")]
    [TestCase("""{f_int32:1}""")]
    [TestCase("""{"f_int32":01}""")]
    [TestCase("""{} {}""")]
    [TestCase("""{"f_string":"a""")]
    [TestCase("// comment")]
    public void FromJson_BrokenJson_IsMalformed(string json) =>
        Assert.That(Transcode.Refusal<Everything>(json).Reason, Is.EqualTo(Reason.MalformedJson));

    [TestCase("[]")]
    [TestCase("1")]
    [TestCase("null")]
    [TestCase("\"x\"")]
    public void FromJson_NoObject_IsRefused(string json) =>
        Assert.That(Transcode.Refusal<Everything>(json).Reason, Is.EqualTo(Reason.InvalidField));

    [Test]
    public void FromJson_TooDeep_IsRefusedWithoutRecursionRunningAway()
    {
        const int levels = 100_000;
        var nested =
            string.Concat(Enumerable.Repeat("{\"f_message\":", levels)) + "{}" + new string('}', levels);
        Assert.That(Transcode.Refusal<Everything>(nested).Reason, Is.EqualTo(Reason.MalformedJson));
        var list = "{\"w_value\":" + new string('[', levels) + new string(']', levels) + "}";
        Assert.That(Transcode.Refusal<Everything>(list).Reason, Is.EqualTo(Reason.MalformedJson));
    }

    [Test]
    public void FromJson_InvalidUtf8_IsRefused()
    {
        byte[] json = [.. "{\"f_string\":\""u8, 0xff, 0xfe, .. "\"}"u8];
        Assert.That(
            () => Transcode.FromJson<Everything>(json),
            Throws.TypeOf<Souk.Gateway.Transcoding.BadRequestException>()
        );
    }

    [Test]
    public void ToJson_Empty_WritesDefaultsAndLeavesOutWhatIsUnset()
    {
        Assert.That(Transcode.ToJson(new Leaf()), Is.EqualTo("""{"name":"","size":0}"""));
        var json = Transcode.ToJson(new Everything());
        Assert.That(
            json,
            Does.Contain("\"f_int64\":\"0\"").And.Contain("\"r_leaf\":[]").And.Contain("\"m_bool\":{}")
        );
        Assert.That(
            json,
            Does.Not.Contain("\"p_").And.Not.Contain("\"o_").And.Not.Contain("\"w_timestamp\"")
        );
    }

    [Test]
    public void ToJson_UnknownEnumNumber_IsWrittenAsNumber() =>
        Assert.That(
            Transcode.ToJson(new Everything { FColour = (Colour)77 }),
            Does.Contain("\"f_colour\":77")
        );

    [Test]
    public void ToJson_UnknownFields_AreLeftOut()
    {
        var wire = new Everything { FInt32 = 1 }.ToByteArray();
        Assert.That(Transcode.ToJson(Leaf.Descriptor, wire), Is.EqualTo("""{"name":"","size":0}"""));
    }
}
