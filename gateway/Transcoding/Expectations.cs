using Google.Protobuf.Reflection;

namespace Souk.Gateway.Transcoding;

/// <summary>What a field wants, in words for the caller who gave something else.</summary>
internal static class Expectations
{
    public const string OfText = "must be a text of valid Unicode without NUL";

    private const int EnumTextsMax = 12;

    public static string Of(FieldPlan field) =>
        field.Type switch
        {
            FieldType.Bool => "must be true or false",
            FieldType.String => OfText,
            FieldType.Bytes => "must be a text in base64",
            FieldType.Enum => OneOf(field.Enum),
            FieldType.Double or FieldType.Float => "must be a number that fits",
            FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => "must be a whole number of 32 bits",
            FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => "must be a whole number of 64 bits",
            FieldType.UInt32 or FieldType.Fixed32 => "must be a whole number of 32 bits, not negative",
            FieldType.UInt64 or FieldType.Fixed64 => "must be a whole number of 64 bits, not negative",
            _ => Of(field.Message?.Shape ?? MessageShape.Fields),
        };

    public static string Of(MessageShape shape) =>
        shape switch
        {
            MessageShape.Timestamp => "must be an instant such as 2026-08-01T09:30:00Z",
            MessageShape.Duration => "must be a duration in seconds such as 1.5s",
            MessageShape.FieldMask => "must be field names joined by commas",
            MessageShape.ListValue => "must be a list",
            MessageShape.Value => "must be a JSON value",
            _ => "must be an object",
        };

    private static string OneOf(EnumPlan? values)
    {
        var texts = values?.Texts.ToArray() ?? [];
        return texts.Length is 0 or > EnumTextsMax
            ? "must be one of the enum's names"
            : $"must be one of {string.Join(", ", texts)}";
    }
}
