using Grpc.Core;
using Souk.Sidecar.Api;

namespace Souk.Sidecar.Workflows;

/// <summary>Errors of the workflow methods of Dapr's own API.</summary>
internal static class ManagementFault
{
    public static DaprException NameMissing() =>
        Invalid("ERR_WORKFLOW_NAME_MISSING", "workflow name is not configured");

    public static DaprException EventNameMissing() =>
        Invalid("ERR_WORKFLOW_EVENT_NAME_MISSING", "missing workflow event name");

    public static DaprException IdMissing() =>
        Invalid("ERR_INSTANCE_ID_PROVIDED_MISSING", "no instance ID was provided");

    public static DaprException IdTooLong(string id) =>
        Invalid(
            "ERR_INSTANCE_ID_TOO_LONG",
            $"workflow instance ID exceeds the max length of 64 characters: it has {id.Length}"
        );

    public static DaprException IdInvalid(string id) =>
        Invalid(
            "ERR_INSTANCE_ID_INVALID",
            $"workflow instance ID '{id}' is invalid: only alphanumeric and underscore characters are allowed"
        );

    public static DaprException NotFound(string id) =>
        Of(
            (StatusCode.NotFound, 404),
            "ERR_INSTANCE_ID_NOT_FOUND",
            $"unable to find workflow with the provided instance ID: {id}"
        );

    public static DaprException NotStarted(string name, string why) =>
        Of((StatusCode.Internal, 500), "ERR_START_WORKFLOW", $"error starting workflow '{name}': {why}");

    public static DaprException Failed(string errorCode, string id, string why) =>
        Of((StatusCode.Internal, 500), errorCode, $"the operation on workflow '{id}' failed: {why}");

    private static DaprException Invalid(string errorCode, string message) =>
        Of((StatusCode.InvalidArgument, 400), errorCode, message);

    private static DaprException Of((StatusCode Grpc, int Http) codes, string errorCode, string message) =>
        new(new Status(codes.Grpc, message), [], codes.Http, errorCode);
}
