using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Souk.Gateway.Transcoding;
using Souk.Tests.Gateway.Protos;

namespace Souk.Tests.Gateway;

/// <summary>
/// The cases of protobuf's published conformance suite, by their names there, beside those of
/// <see cref="JsonMappingTests"/>. What is to be read is read as the library itself reads it. Three cases are
/// decided otherwise on purpose and stand there: unknown fields and names given twice are refused, a mask may
/// be written as the proto names its fields.
/// </summary>
public sealed class JsonConformanceTests
{
    private static readonly JsonParser Official = new(
        JsonParser.Settings.Default.WithTypeRegistry(
            Google.Protobuf.Reflection.TypeRegistry.FromFiles(
                TranscodingReflection.Descriptor,
                WrappersReflection.Descriptor,
                TimestampReflection.Descriptor,
                DurationReflection.Descriptor,
                StructReflection.Descriptor
            )
        )
    );

    [OneTimeSetUp]
    public void KnowTheTypes()
    {
        Transcode.Plan(Everything.Descriptor);
        Transcode.Plan(Leaf.Descriptor);
    }

    [TestCase("Int32FieldMaxFloatValue", """{"fInt32": 2.147483647e9}""")]
    [TestCase("Int32FieldMinFloatValue", """{"fInt32": -2.147483648e9}""")]
    [TestCase("Int32FieldStringValue", """{"fInt32": "2147483647"}""")]
    [TestCase("Int32FieldFloatTrailingZero", """{"fInt32": 100000.000}""")]
    [TestCase("Uint32FieldMaxFloatValue", """{"fUint32": 4.294967295e9}""")]
    [TestCase("Int64FieldMinValueNotQuoted", """{"fInt64": -9223372036854775808}""")]
    [TestCase("Uint64FieldMaxValue", """{"fUint64": "18446744073709551615"}""")]
    [TestCase("Int64FieldBeExponent", """{"fInt64": 1e2}""")]
    [TestCase("FloatFieldMinPositiveValue", """{"fFloat": 1.175494e-38}""")]
    [TestCase("FloatFieldMaxNegativeValue", """{"fFloat": -1.175494e-38}""")]
    [TestCase("FloatFieldMinNegativeValue", """{"fFloat": -3.402823e+38}""")]
    [TestCase("FloatFieldQuotedExponentialValue", """{"fFloat": "1.5e1"}""")]
    [TestCase("FloatFieldNegativeZero", """{"fFloat": -0.0}""")]
    [TestCase("DoubleFieldMinPositiveValue", """{"fDouble": 2.22507e-308}""")]
    [TestCase("DoubleFieldMaxPositiveValue", """{"fDouble": 1.79769e+308}""")]
    [TestCase("DoubleFieldNegativeZero", """{"fDouble": -0}""")]
    [TestCase("DoubleFieldNan", """{"fDouble": "NaN"}""")]
    [TestCase("StringFieldEscape", """{"fString": "\"\\\/\b\f\n\r\t"}""")]
    [TestCase("StringFieldUnicodeEscape", """{"fString": "\u8C37\u6B4C"}""")]
    [TestCase("StringFieldUnicodeEscapeLowercaseHex", """{"fString": "\u8c37\u6b4c"}""")]
    [TestCase("StringFieldSurrogatePair", """{"fString": "\uD83D\uDE01"}""")]
    [TestCase("BytesField", """{"fBytes": "AQI="}""")]
    [TestCase("EnumFieldNumericValueZero", """{"fColour": 0}""")]
    [TestCase("EnumFieldNumericValueNonZero", """{"fColour": 1}""")]
    [TestCase("EnumFieldUnknownNumber", """{"fColour": 123}""")]
    [TestCase("MessageField", """{"fMessage": {"fInt32": 1234}}""")]
    [TestCase("PrimitiveRepeatedField", """{"rInt32": [1, 2, 3, 4]}""")]
    [TestCase("EnumRepeatedField", """{"rColour": ["COLOUR_RED", 0]}""")]
    [TestCase("Int32MapField", """{"mInt32": {"1": "2", "-3": 4}}""")]
    [TestCase("Uint64MapField", """{"mUint64": {"18446744073709551615": 1}}""")]
    [TestCase("BoolMapField", """{"mBool": {"true": {"size": 1}, "false": {}}}""")]
    [TestCase("BoolMapEscapedKey", """{"mBool": {"tr\u0075e": {}}}""")]
    [TestCase("Int32MapEscapedKey", """{"mInt32": {"\u0031": 2}}""")]
    [TestCase("OneofZeroValue", """{"oInt32": 0}""")]
    [TestCase("OneofZeroText", """{"oString": ""}""")]
    [TestCase("OptionalBoolWrapper", """{"wBool": false}""")]
    [TestCase("OptionalInt64Wrapper", """{"wInt64": "0"}""")]
    [TestCase("OptionalDoubleWrapper", """{"wDouble": 0}""")]
    [TestCase("OptionalStringWrapper", """{"wString": ""}""")]
    [TestCase("OptionalBytesWrapper", """{"wBytes": "AQI="}""")]
    [TestCase("WrapperTypesWithNullValue", """{"wBool": null, "wString": null, "wInt64": null}""")]
    [TestCase("DurationMinValue", """{"wDuration": "-315576000000.999999999s"}""")]
    [TestCase("DurationMaxValue", """{"wDuration": "315576000000.999999999s"}""")]
    [TestCase("DurationNegativeNanos", """{"wDuration": "-0.500s"}""")]
    [TestCase("TimestampMinValue", """{"wTimestamp": "0001-01-01T00:00:00Z"}""")]
    [TestCase("TimestampMaxValue", """{"wTimestamp": "9999-12-31T23:59:59.999999999Z"}""")]
    [TestCase("TimestampLeap", """{"wTimestamp": "1992-02-29T00:00:00.000Z"}""")]
    [TestCase("TimestampWithPositiveOffset", """{"wTimestamp": "1970-01-01T08:00:01+08:00"}""")]
    [TestCase("TimestampWithNegativeOffset", """{"wTimestamp": "1969-12-31T16:00:01-08:00"}""")]
    [TestCase("TimestampNull", """{"wTimestamp": null}""")]
    [TestCase("RepeatedTimestamp", """{"wTimestamps": ["1996-12-19T16:39:57-08:00"]}""")]
    [TestCase("FieldMask", """{"wMask": "foo,barBaz"}""")]
    [TestCase("EmptyFieldMask", """{"wMask": ""}""")]
    [TestCase("Struct", """{"wStruct": {"n": null, "b": true, "d": 1.5, "s": "x", "l": [1, {}], "o": {}}}""")]
    [TestCase("StructWithEmptyListValue", """{"wStruct": {"listValue": []}}""")]
    [TestCase("ValueAcceptInteger", """{"wValue": 1}""")]
    [TestCase("ValueAcceptFloat", """{"wValue": 1.5}""")]
    [TestCase("ValueAcceptBool", """{"wValue": false}""")]
    [TestCase("ValueAcceptNull", """{"wValue": null}""")]
    [TestCase("ValueAcceptString", """{"wValue": "hello"}""")]
    [TestCase("ValueAcceptList", """{"wValue": [0, "hello", [null]]}""")]
    [TestCase("ValueAcceptObject", """{"wValue": {"value": 1}}""")]
    [TestCase("RepeatedListValue", """{"wList": [["a"], []]}""")]
    [TestCase("Any", """{"wAny": {"@type": "type.googleapis.com/transcoding.test.Leaf", "size": 12345}}""")]
    [TestCase(
        "AnyWithTimestamp",
        """{"wAny": {"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": "1970-01-01T00:00:00Z"}}"""
    )]
    [TestCase(
        "AnyWithStruct",
        """{"wAny": {"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"foo": 1}}}"""
    )]
    [TestCase(
        "AnyWithInt64ValueWrapper",
        """{"wAny": {"@type": "type.googleapis.com/google.protobuf.Int64Value", "value": "12345"}}"""
    )]
    [TestCase("FieldNameWithWhitespace", " {\r\n\t\"fInt32\" : 1 } ")]
    [TestCase("OriginalProtoFieldName", """{"f_int32": 1, "m_string": {"a": "b"}}""")]
    public void FromJson_PublishedCase_IsReadAsTheLibraryReadsIt(string name, string json) =>
        Assert.That(Transcode.FromJson<Everything>(json), Is.EqualTo(Official.Parse<Everything>(json)), name);

    [TestCase("Int32FieldTooLarge", """{"fInt32": 2147483648}""")]
    [TestCase("Int32FieldPlusSign", """{"fInt32": +1}""")]
    [TestCase("Int32FieldNegativeWithLeadingZero", """{"fInt32": -01}""")]
    [TestCase("Int32FieldNotInteger", """{"fInt32": 0.5}""")]
    [TestCase("Uint64FieldNotInteger", """{"fUint64": 0.5}""")]
    [TestCase("Uint64FieldTooSmall", """{"fUint64": -1}""")]
    [TestCase("Int64FieldEmptyText", """{"fInt64": ""}""")]
    [TestCase("BoolFieldAllCapitalTrue", """{"fBool": TRUE}""")]
    [TestCase("BoolFieldStringFalse", """{"fBool": "false"}""")]
    [TestCase("FloatFieldNanNotQuoted", """{"fFloat": NaN}""")]
    [TestCase("FloatFieldTooSmall", """{"fFloat": -3.502823e+38}""")]
    [TestCase("FloatFieldInfinityNotQuoted", """{"fFloat": -Infinity}""")]
    [TestCase("DoubleFieldTooSmall", """{"fDouble": -1.89769e+308}""")]
    [TestCase("DoubleFieldEmptyText", """{"fDouble": ""}""")]
    [TestCase("StringFieldNotAString", """{"fString": 12345}""")]
    [TestCase("StringFieldUnpairedHighSurrogate", """{"fString": "\uD800"}""")]
    [TestCase("StringFieldUnpairedLowSurrogate", """{"fString": "\uDE01"}""")]
    [TestCase("StringFieldInvertedSurrogatePair", """{"fString": "\uDE01\uD83D"}""")]
    [TestCase("StringFieldUppercaseEscapeLetter", """{"fString": "\U8C37"}""")]
    [TestCase("StringFieldInvalidEscape", """{"fString": "\uXXXX"}""")]
    [TestCase("StringFieldUnterminatedEscape", """{"fString": "\u8C3"}""")]
    [TestCase("BytesFieldNoText", """{"fBytes": 1}""")]
    [TestCase("EnumFieldNotQuoted", """{"fColour": COLOUR_RED}""")]
    [TestCase("MessageFieldNoObject", """{"fMessage": [1]}""")]
    [TestCase("RepeatedFieldTrailingComma", """{"rInt32": [1, 2, 3, 4,]}""")]
    [TestCase("RepeatedFieldMessageElementIsNull", """{"rLeaf": [{}, null]}""")]
    [TestCase("RepeatedFieldWrongElementType", """{"rInt32": [1, false]}""")]
    [TestCase("MapFieldKeyIsNull", """{"mInt32": {null: 1}}""")]
    [TestCase("MapFieldKeyNotQuoted", """{"mInt32": {1: 1}}""")]
    [TestCase("MapFieldValueIsNull", """{"mInt32": {"0": null}}""")]
    [TestCase("BoolMapFieldKeyNotQuoted", """{"mBool": {true: {}}}""")]
    [TestCase("OneofFieldDuplicate", """{"oInt32": 1, "oString": "test"}""")]
    [TestCase("DurationMissingS", """{"wDuration": "1"}""")]
    [TestCase("DurationJsonInputTooSmall", """{"wDuration": "-315576000001.000000000s"}""")]
    [TestCase("DurationTenDigits", """{"wDuration": "1.0123456789s"}""")]
    [TestCase("TimestampJsonInputTooSmall", """{"wTimestamp": "0000-01-01T00:00:00Z"}""")]
    [TestCase("TimestampJsonInputTooLarge", """{"wTimestamp": "10000-01-01T00:00:00Z"}""")]
    [TestCase("TimestampJsonInputMissingZ", """{"wTimestamp": "0001-01-01T00:00:00"}""")]
    [TestCase("TimestampJsonInputMissingT", """{"wTimestamp": "0001-01-01 00:00:00Z"}""")]
    [TestCase("TimestampJsonInputLowercaseZ", """{"wTimestamp": "0001-01-01T00:00:00z"}""")]
    [TestCase("TimestampJsonInputLowercaseT", """{"wTimestamp": "0001-01-01t00:00:00Z"}""")]
    [TestCase("AnyWithoutType", """{"wAny": {"size": 1}}""")]
    [TestCase("AnyTypeWithoutSlash", """{"wAny": {"@type": "Leaf"}}""")]
    [TestCase("JsonWithComments", """{"fInt32": 1 /* one */}""")]
    [TestCase("SingleQuotes", """{'fInt32': 1}""")]
    [TestCase("ByteOrderMarkInside", "{\"fInt32\": \ufeff1}")]
    public void FromJson_PublishedWrongCase_IsRefused(string name, string json) =>
        Assert.That(() => Transcode.FromJson<Everything>(json), Throws.TypeOf<BadRequestException>(), name);

    [TestCase(1, 0, "1s")]
    [TestCase(0, 10_000_000, "0.010s")]
    [TestCase(0, 10_000, "0.000010s")]
    [TestCase(0, 10, "0.000000010s")]
    [TestCase(-1, -500_000_000, "-1.500s")]
    [TestCase(0, -1, "-0.000000001s")]
    public void ToJson_Duration_HasThreeDigitsAStep(long seconds, int nanos, string text) =>
        Assert.That(
            Transcode.ToJson(
                new Everything
                {
                    WDuration = new() { Seconds = seconds, Nanos = nanos },
                }
            ),
            Does.Contain($"\"w_duration\":\"{text}\"")
        );

    [TestCase(0, 0, "1970-01-01T00:00:00Z")]
    [TestCase(0, 10_000_000, "1970-01-01T00:00:00.010Z")]
    [TestCase(0, 10_000, "1970-01-01T00:00:00.000010Z")]
    [TestCase(0, 10, "1970-01-01T00:00:00.000000010Z")]
    [TestCase(-62_135_596_800, 0, "0001-01-01T00:00:00Z")]
    [TestCase(253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z")]
    public void ToJson_Timestamp_HasThreeDigitsAStep(long seconds, int nanos, string text) =>
        Assert.That(
            Transcode.ToJson(
                new Everything
                {
                    WTimestamp = new() { Seconds = seconds, Nanos = nanos },
                }
            ),
            Does.Contain($"\"w_timestamp\":\"{text}\"")
        );

    [TestCase(double.NaN, "\"NaN\"")]
    [TestCase(double.PositiveInfinity, "\"Infinity\"")]
    [TestCase(double.NegativeInfinity, "\"-Infinity\"")]
    [TestCase(1e300, "1E+300")]
    public void ToJson_Double_IsWrittenSoThatItComesBack(double value, string text) =>
        Assert.That(
            Transcode.ToJson(new Everything { FDouble = value }),
            Does.Contain($"\"f_double\":{text},").IgnoreCase
        );

    [Test]
    public void FromJson_EveryFieldNull_IsAnEmptyMessage()
    {
        var names = Everything
            .Descriptor.Fields.InDeclarationOrder()
            .Where(field => field.Name is not ("w_value" or "o_null"))
            .Select(field => $"\"{field.Name}\":null");
        var message = Transcode.FromJson<Everything>($"{{{string.Join(',', names)}}}");
        Assert.That(message, Is.EqualTo(new Everything()));
    }

    // Here the library's own parser leaves the mapping.
    [Test]
    public void FromJson_PublishedCaseThatTheLibraryGetsWrong_IsReadRight()
    {
        var largest = Transcode.FromJson<Everything>("""{"fInt64": 9223372036854775807}""");
        Assert.That(largest.FInt64, Is.EqualTo(long.MaxValue), "Int64FieldMaxValueNotQuoted");
        var text = new Everything { OString = "test" };
        Assert.Multiple(() =>
        {
            Assert.That(
                Transcode.FromJson<Everything>("""{"oInt32": null, "oString": "test"}"""),
                Is.EqualTo(text),
                "OneofFieldNullFirst"
            );
            Assert.That(
                Transcode.FromJson<Everything>("""{"oString": "test", "oInt32": null}"""),
                Is.EqualTo(text),
                "OneofFieldNullSecond"
            );
        });
    }

    // As bytes, because the library leaves a negative zero out.
    [Test]
    public void ToJson_NegativeZero_KeepsItsSign() =>
        Assert.That(
            Transcode.ToJson(Everything.Descriptor, [0x09, 0, 0, 0, 0, 0, 0, 0, 0x80]),
            Does.Contain("\"f_double\":-0,")
        );
}
