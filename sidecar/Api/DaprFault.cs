using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Souk.Sidecar.State;
using RpcStatus = Google.Rpc.Status;
using Status = Grpc.Core.Status;

namespace Souk.Sidecar.Api;

/// <summary>Makes every error of the API, with Dapr's codes, reasons and messages.</summary>
internal static class DaprFault
{
    private const string Domain = "dapr.io";

    public static DaprException StateNotConfigured(SidecarApp app) =>
        new Draft(
            StatusCode.FailedPrecondition,
            500,
            "ERR_STATE_STORE_NOT_CONFIGURED",
            "state store is not configured"
        )
        {
            Reason = "DAPR_STATE_NOT_CONFIGURED",
            Resource = ("state", ""),
        }.Make(app);

    public static DaprException StateNotFound(SidecarApp app, string store) =>
        new Draft(
            StatusCode.InvalidArgument,
            400,
            "ERR_STATE_STORE_NOT_FOUND",
            $"state store {store} is not found"
        )
        {
            Reason = "DAPR_STATE_NOT_FOUND",
            Resource = ("state", store),
        }.Make(app);

    public static DaprException EmptyKey(SidecarApp app) =>
        new Draft(StatusCode.InvalidArgument, 400, "ERR_MALFORMED_REQUEST", "state key cannot be empty").Make(
            app
        );

    public static DaprException IllegalKey(SidecarApp app, string store, string key) =>
        new Draft(
            StatusCode.InvalidArgument,
            400,
            "ERR_MALFORMED_REQUEST",
            $"input key/keyPrefix '{key}' can't contain '{KeyPrefix.Separator}'"
        )
        {
            Reason = "DAPR_STATE_ILLEGAL_KEY",
            Resource = ("state", store),
            Field = key,
        }.Make(app);

    public static DaprException StateGet(SidecarApp app, string store, string key, Exception cause) =>
        Plain(
            app,
            StatusCode.Internal,
            500,
            "ERR_STATE_GET",
            $"fail to get {key} from state store {store}: {cause.Message}"
        );

    public static DaprException StateSave(SidecarApp app, string store, IReadOnlyList<Exception> causes) =>
        StateWrite(app, "ERR_STATE_SAVE", $"failed saving state in state store {store}: ", causes);

    public static DaprException StateDelete(SidecarApp app, string key, Exception cause) =>
        StateWrite(app, "ERR_STATE_DELETE", $"failed deleting state with key {key}: ", [cause]);

    public static DaprException StateBulkDelete(
        SidecarApp app,
        string store,
        IReadOnlyList<Exception> causes
    ) => StateWrite(app, "ERR_STATE_BULK_DELETE", $"failed deleting state in state store {store}: ", causes);

    public static DaprException Transaction(SidecarApp app, Exception cause) =>
        Plain(
            app,
            StatusCode.Internal,
            500,
            "ERR_STATE_TRANSACTION",
            $"error while executing state transaction: {StoreText(cause)}"
        );

    public static DaprException UnknownOperation(SidecarApp app, string operation) =>
        new Draft(
            StatusCode.Unimplemented,
            400,
            "ERR_NOT_SUPPORTED_STATE_OPERATION",
            $"operation type {operation} not supported"
        ).Make(app);

    public static DaprException OutboxPublish(SidecarApp app, Exception cause) =>
        new Draft(
            StatusCode.Internal,
            500,
            "ERR_PUBLISH_OUTBOX",
            $"error while publishing outbox message: {cause.Message}"
        )
        {
            Reason = "DAPR_PUBSUB_OUTBOX",
        }.Make(app);

    public static DaprException PubSubNotConfigured(SidecarApp app) =>
        PubSub(app, "", (StatusCode.FailedPrecondition, 400), "NOT_CONFIGURED", "pubsub is not configured");

    public static DaprException PubSubNameEmpty(SidecarApp app) =>
        new Draft(StatusCode.InvalidArgument, 404, "ERR_PUBSUB_EMPTY", "pubsub name is empty")
        {
            Reason = "DAPR_PUBSUB_NAME_EMPTY",
            Resource = ("pubsub", ""),
        }.Make(app);

    public static DaprException PubSubNotFound(SidecarApp app, string pubSub) =>
        PubSub(app, pubSub, (StatusCode.InvalidArgument, 404), "NOT_FOUND", $"pubsub {pubSub} is not found");

    public static DaprException TopicEmpty(SidecarApp app, string pubSub) =>
        new Draft(
            StatusCode.InvalidArgument,
            404,
            "ERR_TOPIC_NAME_EMPTY",
            $"topic is empty in pubsub {pubSub}"
        )
        {
            Reason = "DAPR_PUBSUB_TOPIC_NAME_EMPTY",
            Resource = ("pubsub", pubSub),
        }.Make(app);

    public static DaprException TopicForbidden(SidecarApp app, string pubSub, string topic) =>
        PubSub(
            app,
            pubSub,
            (StatusCode.PermissionDenied, 403),
            "FORBIDDEN",
            $"topic {topic} is not allowed for app id {app.AppId}"
        );

    public static DaprException PublishMetadata(SidecarApp app, string pubSub, string problem) =>
        new Draft(StatusCode.InvalidArgument, 400, "ERR_PUBSUB_REQUEST_METADATA", problem)
        {
            Reason = "DAPR_PUBSUB_METADATA_DESERIALIZATION",
            Resource = ("pubsub", pubSub),
        }.Make(app);

    public static DaprException CloudEvent(SidecarApp app, string pubSub, Exception cause) =>
        new Draft(
            StatusCode.InvalidArgument,
            500,
            "ERR_PUBSUB_CLOUD_EVENTS_SER",
            $"cannot create cloudevent: {cause.Message}"
        )
        {
            Reason = "DAPR_PUBSUB_CLOUD_EVENT_CREATION",
            Resource = ("pubsub", pubSub),
        }.Make(app);

    public static DaprException BulkEntryIds(SidecarApp app, string pubSub, string topic) =>
        BulkEntries(app, pubSub, topic, "entryId is duplicated or not present for entry");

    public static DaprException BulkEntries(SidecarApp app, string pubSub, string topic, string problem) =>
        new Draft(
            StatusCode.InvalidArgument,
            400,
            "ERR_PUBSUB_EVENTS_SER",
            $"error marshaling events to bytes for topic {topic} pubsub {pubSub}. error: {problem}"
        )
        {
            Reason = "DAPR_PUBSUB_MARSHAL_EVENTS",
            Resource = ("pubsub", pubSub),
        }.Make(app);

    public static DaprException Publish(SidecarApp app, string pubSub, string topic, Exception cause) =>
        PubSub(
            app,
            pubSub,
            (StatusCode.Internal, 500),
            "PUBLISH_MESSAGE",
            $"error when publishing to topic {topic} in pubsub {pubSub}: {cause.Message}"
        );

    /// <summary>A stream that asks for no subscription, or for two.</summary>
    public static DaprException Stream(SidecarApp app, string problem) =>
        new Draft(StatusCode.InvalidArgument, 400, "ERR_PUBSUB_REQUEST", problem).Make(app);

    /// <summary>An error without a reason of its own: locks and secrets have none.</summary>
    public static DaprException Bare(
        SidecarApp app,
        StatusCode code,
        int http,
        string errorCode,
        string message
    ) => new Draft(code, http, errorCode, message).Make(app);

    public static DaprException Binding(SidecarApp app, string name, string why) =>
        new Draft(
            StatusCode.Internal,
            500,
            "ERR_INVOKE_OUTPUT_BINDING",
            $"error invoking output binding {name}: {why}"
        )
        {
            Reason = "ERR_INVOKE_OUTPUT_BINDING",
        }.Make(app);

    /// <summary>No app, or none that answers.</summary>
    public static DaprException Invoke(SidecarApp app, string target, string reason) =>
        Bare(
            app,
            StatusCode.Internal,
            500,
            "ERR_DIRECT_INVOKE",
            $"failed to invoke, id: {target}, err: {reason}"
        );

    /// <summary>UNAVAILABLE, on which Dapr's own clients try again, elsewhere or later.</summary>
    public static DaprException InvokeLate(SidecarApp app, string target) =>
        Bare(
            app,
            StatusCode.Unavailable,
            500,
            "ERR_DIRECT_INVOKE",
            $"failed to invoke, id: {target}, err: its sidecar is shutting down"
        );

    public static DaprException ShuttingDown(SidecarApp app) =>
        Bare(
            app,
            StatusCode.Unavailable,
            500,
            "ERR_OUTBOUND_HEALTH_NOT_READY",
            "dapr outbound is not ready: the sidecar is shutting down"
        );

    public static DaprException InvokeDenied(SidecarApp app, string target, string reason) =>
        Bare(
            app,
            StatusCode.PermissionDenied,
            403,
            "ERR_DIRECT_INVOKE",
            $"failed to invoke, id: {target}, err: {reason}"
        );

    /// <summary>Nothing of the API, and no app named that it could be for.</summary>
    public static DaprException NoTarget(SidecarApp app, string request) =>
        Bare(
            app,
            StatusCode.NotFound,
            404,
            "ERR_DIRECT_INVOKE",
            "failed getting app id either from the URL path or the header dapr-app-id,"
                + $" and '{request}' is no API of this runtime"
        );

    /// <summary>A request over HTTP whose body or path is not what it should be.</summary>
    public static DaprException Malformed(SidecarApp app, string message) =>
        Bare(app, StatusCode.InvalidArgument, 400, "ERR_MALFORMED_REQUEST", message);

    private static DaprException StateWrite(
        SidecarApp app,
        string errorCode,
        string prefix,
        IReadOnlyList<Exception> causes
    )
    {
        var text = prefix + string.Join("\n", causes.Select(StoreText));
        // One answer for several failures: conflicts only count when nothing else went wrong.
        if (causes.All(cause => cause is EtagMismatchException or EtagInvalidException))
        {
            return causes.Any(cause => cause is EtagInvalidException)
                ? Plain(app, StatusCode.InvalidArgument, 400, errorCode, text)
                : Plain(app, StatusCode.Aborted, 409, errorCode, text);
        }
        return Plain(app, StatusCode.Internal, 500, errorCode, text);
    }

    private static string StoreText(Exception cause) =>
        cause switch
        {
            EtagMismatchException => $"possible etag mismatch. error from state store: {cause.Message}",
            EtagInvalidException => $"invalid etag value. error from state store: {cause.Message}",
            _ => cause.Message,
        };

    // Reason and error code are the same word.
    private static DaprException Plain(
        SidecarApp app,
        StatusCode code,
        int http,
        string errorCode,
        string message
    ) => new Draft(code, http, errorCode, message) { Reason = errorCode }.Make(app);

    private static DaprException PubSub(
        SidecarApp app,
        string pubSub,
        (StatusCode Grpc, int Http) code,
        string what,
        string message
    ) =>
        new Draft(code.Grpc, code.Http, "ERR_PUBSUB_" + what, message)
        {
            Reason = "DAPR_PUBSUB_" + what,
            Resource = ("pubsub", pubSub),
        }.Make(app);

    private readonly record struct Draft(StatusCode Code, int HttpStatus, string ErrorCode, string Message)
    {
        // Some clients take a header that ends with a blank for none at all.
        public string Message { get; } = Message.TrimEnd();

        public string? Reason { get; init; }

        public (string Type, string Name)? Resource { get; init; }

        public string? Field { get; init; }

        public DaprException Make(SidecarApp app)
        {
            var trailers = new Metadata();
            if (Reason is null)
                return new DaprException(new Status(Code, Message), trailers, HttpStatus, ErrorCode);
            var details = Details(app);
            trailers.Add("grpc-status-details-bin", details.ToByteArray());
            return new DaprException(new Status(Code, Message), trailers, HttpStatus, ErrorCode)
            {
                Details = details.Details,
            };
        }

        private RpcStatus Details(SidecarApp app)
        {
            var status = new RpcStatus { Code = (int)Code, Message = Message };
            // The library's ErrorInfo still calls field 1 by its first name, type; on the wire it is today's
            // reason.
            var info = new ErrorInfo { Domain = Domain, Type = Reason };
            info.Metadata["appID"] = app.AppId;
            status.Details.Add(Any.Pack(info));
            if (Resource is { } resource)
            {
                var detail = new ResourceInfo
                {
                    ResourceType = resource.Type,
                    ResourceName = resource.Name,
                    Owner = app.AppId,
                };
                status.Details.Add(Any.Pack(detail));
            }
            if (Field is { } field)
            {
                var bad = new BadRequest();
                bad.FieldViolations.Add(
                    new BadRequest.Types.FieldViolation { Field = field, Description = Message }
                );
                status.Details.Add(Any.Pack(bad));
            }
            return status;
        }
    }
}
