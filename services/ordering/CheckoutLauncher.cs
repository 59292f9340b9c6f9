using Dapr;
using Dapr.Workflow;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Souk.Ordering;

/// <summary>
/// Hands orders to their workflows. The order's row commits first; when the hand-over is cut off, the
/// recovery job finds the row and does it again.
/// </summary>
internal sealed partial class CheckoutLauncher(
    DaprWorkflowClient workflows,
    OrderingSettings settings,
    ILogger<CheckoutLauncher> logger
)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Starts the checkout of an order that was inserted by this very call, so that no other started
    /// it.</summary>
    public Task StartCheckoutAsync(Guid orderId, CancellationToken cancellationToken) =>
        StartAsync(
            nameof(CheckoutWorkflow),
            orderId.ToString(),
            Checkout(orderId),
            isRepeat: false,
            cancellationToken
        );

    /// <summary>Starts the checkout of a pending order unless it is running.</summary>
    public Task RestartCheckoutAsync(Guid orderId, CancellationToken cancellationToken) =>
        StartAsync(
            nameof(CheckoutWorkflow),
            orderId.ToString(),
            Checkout(orderId),
            isRepeat: true,
            cancellationToken
        );

    /// <summary>Starts the refund of a cancelled or returned order unless it is running.</summary>
    public Task StartRefundAsync(Guid orderId, CancellationToken cancellationToken) =>
        StartAsync(nameof(RefundWorkflow), $"refund-{orderId}", orderId, isRepeat: true, cancellationToken);

    /// <summary>Tells a running checkout that something happened; one that is over does not mind.</summary>
    public async Task TellAsync(Guid orderId, string eventName, CancellationToken cancellationToken)
    {
        try
        {
            await workflows.RaiseEventAsync(orderId.ToString(), eventName, "", cancellationToken);
        }
        catch (Exception fault) when (fault is RpcException or DaprException)
        {
            // Only a shortcut: the workflow looks for itself from time to time.
            LogNotTold(logger, orderId, eventName, fault.Message);
        }
    }

    private CheckoutInput Checkout(Guid orderId) => new(orderId, settings.GraceSeconds);

    private async Task StartAsync(
        string workflow,
        string instanceId,
        object input,
        bool isRepeat,
        CancellationToken cancellationToken
    )
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            if (isRepeat)
            {
                // An id is never used twice (K32): the engine would replace an ended instance.
                var known = await workflows.GetWorkflowStateAsync(instanceId, false, patience.Token);
                if (known is { Exists: true, IsWorkflowCompleted: false })
                    return;
                if (known is { Exists: true })
                    instanceId = $"{instanceId}-{Guid.CreateVersion7():N}";
            }

            await workflows.ScheduleNewWorkflowAsync(
                workflow,
                instanceId,
                input,
                startTime: null,
                patience.Token
            );
        }
        catch (Exception fault)
            when (fault is RpcException or DaprException
                || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            LogNotStarted(logger, workflow, instanceId, fault.Message);
        }
    }

    [LoggerMessage(
        LogLevel.Warning,
        "{Workflow} {Instance} could not be started, the recovery job will: {Reason}"
    )]
    private static partial void LogNotStarted(
        ILogger logger,
        string workflow,
        string instance,
        string reason
    );

    [LoggerMessage(LogLevel.Information, "Checkout {Order} was not told {Event}: {Reason}")]
    private static partial void LogNotTold(ILogger logger, Guid order, string @event, string reason);
}
