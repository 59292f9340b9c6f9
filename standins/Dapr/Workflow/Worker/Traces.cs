using System.Diagnostics;
using Dapr.DurableTask.Protobuf;

namespace Dapr.Workflow.Worker;

/// <summary>
/// Carries the trace across the engine, so that an activity belongs to the request that caused it.
/// </summary>
internal static class Traces
{
    private static readonly ActivitySource Source = new("Dapr.Workflow");

    internal static TraceContext? Of(Activity? current) =>
        current is not { IdFormat: ActivityIdFormat.W3C, Id: { } id }
            ? null
            : new TraceContext
            {
                TraceParent = id,
                SpanID = current.SpanId.ToHexString(),
                TraceState = current.TraceStateString,
            };

    internal static Activity? StartActivity(string name, TraceContext? parent)
    {
        if (
            parent is null
            || !ActivityContext.TryParse(parent.TraceParent, parent.TraceState, out var context)
        )
            return Source.StartActivity($"activity {name}", ActivityKind.Consumer);
        // Without a listener the source gives nothing, yet outgoing calls must carry the trace.
        return Source.StartActivity($"activity {name}", ActivityKind.Consumer, context)
            ?? new Activity($"activity {name}").SetParentId(parent.TraceParent).Start();
    }
}
