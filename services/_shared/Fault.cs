using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Souk.Type;
using RpcStatus = Google.Rpc.Status;

namespace Souk.Shared;

/// <summary>One field of a request and what is wrong with it.</summary>
public readonly record struct Violation(string Field, string Problem);

/// <summary>
/// The only maker of errors. Each is a gRPC status with google.rpc details: ErrorInfo names the reason,
/// BadRequest the fields, RetryInfo the pause. A reason is a value of a proto enum and its name on the wire
/// is the value's name there.
/// </summary>
public static partial class Fault
{
    /// <summary>The trailer that carries google.rpc.Status.</summary>
    public const string DetailsTrailer = "grpc-status-details-bin";

    // Of the message and of each fact beside it: they travel in HTTP/2 headers, which clients bound.
    private const int TextLengthMax = 500;

    /// <summary>INVALID_ARGUMENT for one field.</summary>
    public static RpcException InvalidArgument(string field, string problem) =>
        InvalidArgument(Reason.InvalidField, [new Violation(field, problem)]);

    /// <summary>INVALID_ARGUMENT for one field, with a domain's own reason.</summary>
    public static RpcException InvalidArgument(System.Enum reason, string field, string problem) =>
        InvalidArgument(reason, [new Violation(field, problem)]);

    /// <summary>INVALID_ARGUMENT for several fields at once.</summary>
    public static RpcException InvalidArgument(System.Enum reason, IReadOnlyList<Violation> violations)
    {
        var bad = new BadRequest();
        foreach (var (field, problem) in violations)
            bad.FieldViolations.Add(
                new BadRequest.Types.FieldViolation { Field = field, Description = problem }
            );
        var message = string.Join(
            "; ",
            violations.Select(violation => $"{violation.Field} {violation.Problem}")
        );
        return Make(StatusCode.InvalidArgument, reason, message, [], bad);
    }

    /// <summary>NOT_FOUND; also for what the caller may not know of.</summary>
    public static RpcException NotFound(string name) => NotFound(Reason.ResourceNotFound, name);

    /// <summary>NOT_FOUND for a kind of resource.</summary>
    public static RpcException NotFound(string kind, string name) =>
        Make(
            StatusCode.NotFound,
            Reason.ResourceNotFound,
            $"There is no {kind} {name}.",
            [("resource", name)]
        );

    /// <summary>NOT_FOUND with a domain's own reason.</summary>
    public static RpcException NotFound(
        System.Enum reason,
        string name,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.NotFound, reason, $"There is no {name}.", With("resource", name, metadata));

    /// <summary>ALREADY_EXISTS: another resource has the name or key.</summary>
    public static RpcException AlreadyExists(
        System.Enum reason,
        string message,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.AlreadyExists, reason, message, metadata);

    /// <summary>FAILED_PRECONDITION: the state must change before a repeat can succeed.</summary>
    public static RpcException FailedPrecondition(
        System.Enum reason,
        string message,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.FailedPrecondition, reason, message, metadata);

    /// <summary>ABORTED: lost a race; read again and decide again.</summary>
    public static RpcException Aborted(
        System.Enum reason,
        string message,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.Aborted, reason, message, metadata);

    /// <summary>ABORTED/VERSION_CONFLICT: the resource changed since the caller read it.</summary>
    public static RpcException VersionConflict(string name) =>
        Make(
            StatusCode.Aborted,
            Reason.VersionConflict,
            $"{name} has changed since it was read.",
            [("resource", name)]
        );

    /// <summary>OUT_OF_RANGE.</summary>
    public static RpcException OutOfRange(
        System.Enum reason,
        string message,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.OutOfRange, reason, message, metadata);

    /// <summary>UNAUTHENTICATED.</summary>
    public static RpcException Unauthenticated(System.Enum reason, string message) =>
        Make(StatusCode.Unauthenticated, reason, message, []);

    /// <summary>PERMISSION_DENIED.</summary>
    public static RpcException PermissionDenied(
        System.Enum reason,
        string message,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.PermissionDenied, reason, message, metadata);

    /// <summary>RESOURCE_EXHAUSTED, with the pause after which a repeat makes sense.</summary>
    public static RpcException ResourceExhausted(
        System.Enum reason,
        string message,
        TimeSpan? retryAfter = null,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.ResourceExhausted, reason, message, metadata, Pause(retryAfter));

    /// <summary>UNAVAILABLE, with the pause after which a repeat makes sense.</summary>
    public static RpcException Unavailable(
        System.Enum reason,
        string message,
        TimeSpan? retryAfter = null,
        params ReadOnlySpan<(string Key, string Value)> metadata
    ) => Make(StatusCode.Unavailable, reason, message, metadata, Pause(retryAfter));

    /// <summary>UNIMPLEMENTED.</summary>
    public static RpcException Unimplemented(System.Enum reason, string message) =>
        Make(StatusCode.Unimplemented, reason, message, []);

    /// <summary>CANCELLED: nobody waits for the answer any more.</summary>
    public static RpcException Cancelled() =>
        Make(StatusCode.Cancelled, Reason.CallCancelled, "The call was cancelled.", []);

    /// <summary>DEADLINE_EXCEEDED.</summary>
    public static RpcException DeadlineExceeded() =>
        Make(
            StatusCode.DeadlineExceeded,
            Reason.DeadlinePassed,
            "The call took longer than it was given.",
            []
        );

    /// <summary>
    /// INTERNAL: a fault of ours. The log has the story under the trace id; the caller gets only that id.
    /// </summary>
    public static RpcException Internal(string traceId) =>
        Make(
            StatusCode.Internal,
            Reason.InternalFault,
            "Something went wrong on our side.",
            [("trace_id", traceId)]
        );

    private static RpcException Make(
        StatusCode code,
        System.Enum reason,
        string message,
        ReadOnlySpan<(string Key, string Value)> metadata,
        IMessage? extra = null
    )
    {
        var (name, domain) = ReasonNames.Of(reason);
        // The library's ErrorInfo still calls field 1 by its first name, type; on the wire it is today's
        // reason.
        var info = new ErrorInfo { Type = name, Domain = domain };
        foreach (var (key, value) in metadata)
            info.Metadata[key] = Short(value);
        var status = new RpcStatus { Code = (int)code, Message = Short(message) };
        status.Details.Add(Any.Pack(info));
        if (extra is not null)
            status.Details.Add(Any.Pack(extra));
        return FromStatus(status);
    }

    private static string Short(string text) =>
        text.Length <= TextLengthMax
            ? text
            // Never half a character.
            : text[..(char.IsHighSurrogate(text[TextLengthMax - 1]) ? TextLengthMax - 1 : TextLengthMax)];

    private static RetryInfo? Pause(TimeSpan? after) =>
        after is { } delay ? new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) } : null;

    private static (string Key, string Value)[] With(
        string key,
        string value,
        ReadOnlySpan<(string Key, string Value)> more
    ) => [(key, value), .. more];
}
