using Souk.Type;

namespace Souk.Gateway.Transcoding;

/// <summary>A request that cannot become the RPC's message; the caller's mistake, always a 400.</summary>
internal sealed class BadRequestException(Reason reason, string field, string description)
    : Exception($"{field}: {description}")
{
    public Reason Reason { get; } = reason;

    /// <summary>
    /// The path of the field, such as <c>items[2].quantity</c>; empty for the body as a whole.
    /// </summary>
    public string Field { get; } = field;

    public string Description { get; } = description;

    public static BadRequestException Invalid(string field, string description) =>
        new(Reason.InvalidField, field, description);

    public static BadRequestException Unknown(string field) =>
        new(Reason.UnknownField, field, "is not a field of this request");
}
