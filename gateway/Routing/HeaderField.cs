using System.Globalization;
using System.Text;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;
using Souk.Options.V1;
using Souk.Type;

namespace Souk.Gateway.Routing;

/// <summary>A request field that an HTTP header fills.</summary>
internal sealed class HeaderField(FieldPlan field)
{
    /// <summary>
    /// Longest that a caller may ask to be kept waiting; a longer wish is cut, as RFC 7240 allows.
    /// </summary>
    public const int WaitSecondsMax = 30;

    private readonly Header _header =
        field.Header ?? throw new ArgumentException("The field has no header.", nameof(field));

    public FieldPlan Field { get; } = field;

    public string Name => _header.Name;

    public bool IsRequired => _header.Required;

    /// <summary>"wait" of Prefer: seconds that the deadline grows by.</summary>
    public bool IsWait => _header.Parameter == "wait" && Field.Type == FieldType.Int32;

    private bool IsRequestId => Field.Name == "request_id";

    private bool IsETag => Name is "If-Match" or "If-None-Match";

    /// <summary>
    /// The field's text from the header's value; null when the header says nothing about it.
    /// </summary>
    public string? Read(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
            return IsRequired ? throw Missing() : null;
        if (_header.Parameter.Length > 0)
            return Parameter(value);
        if (IsRequestId)
            return RequestId(value);
        return IsETag ? ETag(value) : value;
    }

    public void Write(string text, PooledBuffer wire)
    {
        Span<byte> utf8 = stackalloc byte[256];
        var bytes =
            Encoding.UTF8.GetByteCount(text) <= utf8.Length
                ? utf8[..Encoding.UTF8.GetBytes(text, utf8)]
                : Encoding.UTF8.GetBytes(text);
        wire.Varint(Field.Tag);
        if (!ScalarText.TryWrite(Field, bytes, wire))
            throw BadRequestException.Invalid(Name, Expectations.Of(Field));
    }

    private string RequestId(string value) =>
        Guid.TryParseExact(value.Trim().Trim('"'), "D", out var id)
            ? id.ToString("D", CultureInfo.InvariantCulture)
            : throw new BadRequestException(Reason.IdempotencyKeyRequired, Name, "must be a UUID");

    // Several tags or "*" name no one version: the service then decides as if none was sent.
    private static string? ETag(string value)
    {
        var tag = value.Trim();
        if (tag.StartsWith("W/", StringComparison.Ordinal))
            tag = tag[2..];
        return tag == "*" || tag.Contains(',', StringComparison.Ordinal) ? null : tag.Trim('"');
    }

    // "respond-async; wait=10": a preference that cannot be read is one that is not followed.
    private string? Parameter(string value)
    {
        foreach (
            var part in value.Split(
                [',', ';'],
                StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
            )
        )
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (
                equals < 0
                || !part.AsSpan(0, equals)
                    .Trim()
                    .Equals(_header.Parameter, StringComparison.OrdinalIgnoreCase)
            )
                continue;
            var text = part[(equals + 1)..].Trim().Trim('"');
            if (!IsWait)
                return text;
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                ? Math.Min(seconds, WaitSecondsMax).ToString(CultureInfo.InvariantCulture)
                : null;
        }
        return null;
    }

    private BadRequestException Missing() =>
        IsRequestId
            ? new BadRequestException(
                Reason.IdempotencyKeyRequired,
                Name,
                "must be sent: a UUID of your own for this request"
            )
            : new BadRequestException(Reason.FieldRequired, Name, "must be sent");
}
