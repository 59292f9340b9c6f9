using Dapr.DurableTask.Protobuf;
using Grpc.Core;

namespace Souk.Sidecar.Workflows;

/// <summary>The workflow protocol for workers: the stream of work items and their answers.</summary>
internal sealed partial class TaskHubService
{
    private static readonly WriteOptions _buffered = new(WriteFlags.BufferHint);

    public override async Task GetWorkItems(
        GetWorkItemsRequest request,
        IServerStreamWriter<WorkItem> responseStream,
        ServerCallContext context
    )
    {
        var app = await engine.OpenAsync(AppOf(context), context.CancellationToken);
        // The worker takes the headers as the sign that it is connected; the first item may be long in
        // coming.
        await context.WriteResponseHeadersAsync([]);
        var worker = engine.Attach(app, WorkflowCaller.Limits(context, request));
        try
        {
            await foreach (var item in worker.Items.ReadAllAsync(context.CancellationToken))
            {
                // Items that are ready together leave in one write.
                responseStream.WriteOptions = worker.Items.TryPeek(out _) ? _buffered : null;
                await responseStream.WriteAsync(item, context.CancellationToken);
            }
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            // The worker hung up, which is how every stream of work items ends.
        }
        finally
        {
            engine.Detach(worker);
        }
    }

    public override async Task<CompleteTaskResponse> CompleteActivityTask(
        ActivityResponse request,
        ServerCallContext context
    )
    {
        var app = await engine.OpenAsync(AppOf(context), context.CancellationToken);
        await engine.CompleteActivityAsync(app, request, context.CancellationToken);
        return new CompleteTaskResponse();
    }

    // Two names of one operation: the first is what workers from before Dapr 1.18 call, and most of today's.
    public override Task<CompleteTaskResponse> CompleteOrchestratorTask(
        WorkflowResponse request,
        ServerCallContext context
    ) => CompleteTurn(request, context);

    public override Task<CompleteTaskResponse> CompleteWorkflowTask(
        WorkflowResponse request,
        ServerCallContext context
    ) => CompleteTurn(request, context);

    private async Task<CompleteTaskResponse> CompleteTurn(WorkflowResponse request, ServerCallContext context)
    {
        var app = await engine.OpenAsync(AppOf(context), context.CancellationToken);
        // Not awaited until durable: a turn that is lost is simply given again, and nothing followed from it.
        engine.CompleteTurn(app, request, isTooLarge: MessageLimit.IsExceededBy(request, context));
        return new CompleteTaskResponse();
    }
}
