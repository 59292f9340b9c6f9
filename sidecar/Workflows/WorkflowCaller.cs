using Dapr.DurableTask.Protobuf;
using Grpc.Core;

namespace Souk.Sidecar.Workflows;

/// <summary>What a call tells about its caller besides the message.</summary>
internal static class WorkflowCaller
{
    public static string AppId(ServerCallContext context) => App(context).AppId;

    /// <summary>The app whose sidecar was called: the host puts it on every request.</summary>
    public static SidecarApp App(ServerCallContext context) =>
        context.GetHttpContext().Features.Get<SidecarApp>()
        ?? throw new InvalidOperationException("the host names no app for this endpoint");

    /// <summary>The caller's trace, if it has one, for the activities to continue.</summary>
    public static TraceContext? Trace(ServerCallContext context) =>
        Trace(context.RequestHeaders.GetValue("traceparent"), context.RequestHeaders.GetValue("tracestate"));

    public static TraceContext? Trace(string? parent, string? state)
    {
        if (string.IsNullOrEmpty(parent))
        {
            return null;
        }
        var parts = parent.Split('-');
        return new TraceContext
        {
            TraceParent = parent,
            SpanID = parts.Length > 2 ? parts[2] : "",
            TraceState = state,
        };
    }

    public static WorkerLimits Limits(ServerCallContext context, GetWorkItemsRequest request)
    {
        var agent = context.RequestHeaders.GetValue("user-agent");
        var isJavaScript = agent?.Contains("grpc-node-js", StringComparison.Ordinal) == true;
        return (isJavaScript ? WorkerLimits.JavaScript : WorkerLimits.Default) with
        {
            FetchesHistory = request.Capabilities.Contains(WorkerCapability.HistoryStreaming),
        };
    }
}
