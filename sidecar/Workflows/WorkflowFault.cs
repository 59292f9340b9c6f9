using Grpc.Core;

namespace Souk.Sidecar.Workflows;

/// <summary>The errors of the workflow API: codes and messages as clients of Dapr know them.</summary>
internal static class WorkflowFault
{
    public static RpcException AlreadyActive(string id) =>
        Of(StatusCode.AlreadyExists, $"an active workflow with ID '{id}' already exists");

    public static RpcException IdTaken(string id) =>
        Of(StatusCode.AlreadyExists, $"a workflow with ID '{id}' already exists and unique ids are enforced");

    public static RpcException ChildrenRunning(string id) =>
        Of(
            StatusCode.AlreadyExists,
            $"an active workflow with ID '{id}' already exists: its children still run"
        );

    // Dapr's engine returns a plain error here, which gRPC turns into UNKNOWN; clients match on the text.
    public static RpcException NoSuchInstance(string id) =>
        Of(StatusCode.Unknown, $"no such instance exists: '{id}'");

    public static RpcException NotPurged(string why) =>
        Of(StatusCode.Unknown, $"failed to purge workflow state: {why}");

    public static RpcException NotRerun(string why) => Of(StatusCode.InvalidArgument, why);

    public static RpcException NoEvent(string id, uint eventId) =>
        Of(
            StatusCode.NotFound,
            $"the history of '{id}' has no activity, timer or child workflow with event ID '{eventId}'"
        );

    public static RpcException AlreadyCreated(string id) =>
        Of(StatusCode.AlreadyExists, $"workflow '{id}' has already been created");

    public static RpcException NoHistory(string id) =>
        Of(StatusCode.NotFound, $"no such instance exists: '{id}'");

    public static RpcException BadId() =>
        Of(
            StatusCode.InvalidArgument,
            $"a workflow instance id is 1 to {InstanceKey.IdBytesMax} bytes long and contains no '||' and no NUL"
        );

    public static RpcException BadField(string field, string problem) =>
        Of(StatusCode.InvalidArgument, $"{field} {problem}");

    public static RpcException TooLarge(int limit) =>
        Of(StatusCode.ResourceExhausted, $"the message is larger than the {limit} bytes of --max-body-size");

    public static RpcException StoreBehind() =>
        Of(StatusCode.Unavailable, "the workflow store does not answer; try again");

    public static RpcException Stopping() => Of(StatusCode.Unavailable, "the workflow runtime is stopping");

    public static RpcException MovedAway(string appId) =>
        Of(StatusCode.Unavailable, $"another runtime took over the workflows of app '{appId}'");

    private static RpcException Of(StatusCode code, string message) => new(new Status(code, message));
}
