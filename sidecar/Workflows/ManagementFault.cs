using Grpc.Core;

namespace Souk.Sidecar.Workflows;

/// <summary>
/// Errors of the workflow methods of Dapr's own API. HTTP shows the error code and maps the status; gRPC
/// shows the status and the message.
/// </summary>
internal sealed class ManagementFault(StatusCode status, string errorCode, string message)
    : RpcException(new Status(status, message))
{
    /// <summary>The `errorCode` member of the HTTP answer.</summary>
    public string ErrorCode => errorCode;

    public static ManagementFault NameMissing() =>
        new(StatusCode.InvalidArgument, "ERR_WORKFLOW_NAME_MISSING", "workflow name is not configured");

    public static ManagementFault EventNameMissing() =>
        new(StatusCode.InvalidArgument, "ERR_WORKFLOW_EVENT_NAME_MISSING", "missing workflow event name");

    public static ManagementFault IdMissing() =>
        new(StatusCode.InvalidArgument, "ERR_INSTANCE_ID_PROVIDED_MISSING", "no instance ID was provided");

    public static ManagementFault IdTooLong(string id) =>
        new(
            StatusCode.InvalidArgument,
            "ERR_INSTANCE_ID_TOO_LONG",
            $"workflow instance ID exceeds the max length of 64 characters: it has {id.Length}"
        );

    public static ManagementFault IdInvalid(string id) =>
        new(
            StatusCode.InvalidArgument,
            "ERR_INSTANCE_ID_INVALID",
            $"workflow instance ID '{id}' is invalid: only alphanumeric and underscore characters are allowed"
        );

    public static ManagementFault NotFound(string id) =>
        new(
            StatusCode.NotFound,
            "ERR_INSTANCE_ID_NOT_FOUND",
            $"unable to find workflow with the provided instance ID: {id}"
        );

    public static ManagementFault NotStarted(string name, string why) =>
        new(StatusCode.Internal, "ERR_START_WORKFLOW", $"error starting workflow '{name}': {why}");

    public static ManagementFault Failed(string errorCode, string id, string why) =>
        new(StatusCode.Internal, errorCode, $"the operation on workflow '{id}' failed: {why}");
}
