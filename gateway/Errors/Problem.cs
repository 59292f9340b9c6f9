using Google.Protobuf;
using Google.Rpc;
using Status = Google.Rpc.Status;

namespace Souk.Gateway.Errors;

/// <summary>
/// An error as REST tells it: google.rpc.Status with its details, and the HTTP status that fits (K30).
/// </summary>
internal sealed class Problem
{
    private const int ClientClosedRequest = 499;
    private const string OwnDomain = "souk";
    private static readonly TimeSpan RetryDefault = TimeSpan.FromSeconds(1);

    private readonly ErrorInfo? _info;

    public Problem(Status status)
    {
        Status = status;
        Code = (Code)status.Code;
        foreach (var detail in status.Details)
        {
            _info ??= Unpack(detail, ErrorInfo.Parser, ErrorInfo.Descriptor.FullName);
            Violations ??= Unpack(detail, BadRequest.Parser, BadRequest.Descriptor.FullName)?.FieldViolations;
            RetryAfter ??= Unpack(detail, RetryInfo.Parser, RetryInfo.Descriptor.FullName)
                ?.RetryDelay?.ToTimeSpan();
        }
        Reason = _info?.Type ?? CommonReason(Code);
        Domain = _info?.Domain ?? OwnDomain;
        HttpStatus = HttpStatusOf(Code, Reason);
        // What went wrong inside is for our logs; strangers get the trace id.
        Detail = IsInternal ? "" : status.Message;
        if (Code == Code.Unavailable)
            RetryAfter ??= RetryDefault;
    }

    /// <summary>The error as gRPC tells it.</summary>
    public Status Status { get; }

    public Code Code { get; }

    public int HttpStatus { get; }

    /// <summary>The stable id that clients branch on.</summary>
    public string Reason { get; }

    /// <summary>Whose reason it is, such as "souk.inventory".</summary>
    public string Domain { get; }

    public string Detail { get; }

    public TimeSpan? RetryAfter { get; }

    public IReadOnlyList<BadRequest.Types.FieldViolation>? Violations { get; }

    /// <summary>The verbs that the path has, for 405.</summary>
    public IReadOnlyCollection<string> Allow { get; init; } = [];

    /// <summary>Facts about the error by name. Nothing of an internal one leaves.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata =>
        _info is null || IsInternal ? [] : _info.Metadata;

    public string CodeName => NameOf(Code);

    /// <summary>The language of <see cref="Title"/>.</summary>
    public string Language { get; private set; } = ErrorTexts.Default;

    /// <summary>
    /// What the reason means, for people; it says the same of every error with the reason, while
    /// <see cref="Detail"/> tells developers, in English, what happened this time.
    /// </summary>
    public string Title =>
        ErrorTexts.All.Of(Language, Domain, Reason) ?? ErrorTexts.All.OfStatus(Language, HttpStatus);

    /// <summary>What is wrong with a field, in the title's language where it is known there.</summary>
    public string TextOf(BadRequest.Types.FieldViolation violation) =>
        ViolationTexts.Of(Language, violation.Description) ?? violation.Description;

    /// <summary>Chooses the title's language by the header Accept-Language.</summary>
    public Problem For(string acceptLanguage)
    {
        Language = ErrorTexts.All.LanguageFor(acceptLanguage);
        return this;
    }

    /// <summary>Whether it is ours, so that nobody outside learns more of it than a trace id.</summary>
    public bool IsInternal => HttpStatus == StatusCodes.Status500InternalServerError;

    /// <summary>K30: the mapping of google.rpc.Code, refined where HTTP has a status of its own.</summary>
    public static int HttpStatusOf(Code code, string reason) =>
        (code, reason) switch
        {
            (Code.ResourceExhausted, "TOO_LARGE") => StatusCodes.Status413PayloadTooLarge,
            (Code.Unimplemented, "METHOD_NOT_ALLOWED") => StatusCodes.Status405MethodNotAllowed,
            (Code.InvalidArgument, "UNSUPPORTED_MEDIA_TYPE") => StatusCodes.Status415UnsupportedMediaType,
            (Code.FailedPrecondition, "UPGRADE_REQUIRED") => StatusCodes.Status426UpgradeRequired,
            (Code.InvalidArgument or Code.FailedPrecondition or Code.OutOfRange, _) =>
                StatusCodes.Status400BadRequest,
            (Code.Unauthenticated, _) => StatusCodes.Status401Unauthorized,
            (Code.PermissionDenied, _) => StatusCodes.Status403Forbidden,
            (Code.NotFound, _) => StatusCodes.Status404NotFound,
            (Code.AlreadyExists or Code.Aborted, _) => StatusCodes.Status409Conflict,
            (Code.ResourceExhausted, _) => StatusCodes.Status429TooManyRequests,
            (Code.Cancelled, _) => ClientClosedRequest,
            (Code.Unimplemented, _) => StatusCodes.Status501NotImplemented,
            (Code.Unavailable, _) => StatusCodes.Status503ServiceUnavailable,
            (Code.DeadlineExceeded, _) => StatusCodes.Status504GatewayTimeout,
            _ => StatusCodes.Status500InternalServerError,
        };

    // For a backend that gives no reason: one that a client can still branch on.
    private static string CommonReason(Code code) =>
        code switch
        {
            Code.Unavailable => "DEPENDENCY_UNAVAILABLE",
            Code.DeadlineExceeded => "DEADLINE_PASSED",
            Code.Cancelled => "CALL_CANCELLED",
            Code.Internal or Code.Unknown or Code.DataLoss => "INTERNAL_FAULT",
            _ => NameOf(code),
        };

    /// <summary>A code's name on the wire, such as ABORTED.</summary>
    public static string NameOf(Code code)
    {
        var words = code.ToString()
            .Select((letter, at) => at > 0 && char.IsAsciiLetterUpper(letter) ? $"_{letter}" : $"{letter}");
        return string.Concat(words).ToUpperInvariant();
    }

    private static T? Unpack<T>(
        Google.Protobuf.WellKnownTypes.Any detail,
        MessageParser<T> parser,
        string name
    )
        where T : class, IMessage<T>
    {
        if (!detail.TypeUrl.EndsWith($"/{name}", StringComparison.Ordinal))
            return null;
        try
        {
            return parser.ParseFrom(detail.Value);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
