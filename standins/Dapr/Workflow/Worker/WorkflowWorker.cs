using Dapr.Common.Serialization;
using Dapr.DurableTask.Protobuf;
using Dapr.Workflow.Replay;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dapr.Workflow.Worker;

/// <summary>
/// Takes turns and activities from the engine in the sidecar, runs them and answers. It stays connected for
/// as long as the app lives: a sidecar that is restarted finds its worker back within a fraction of a second.
/// </summary>
internal sealed partial class WorkflowWorker(
    WorkflowRuntimeOptions registry,
    IServiceScopeFactory scopes,
    IDaprSerializer serializer,
    ILoggerFactory loggers,
    IConfiguration? configuration = null
) : BackgroundService
{
    private static readonly TimeSpan ReconnectFirst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ReconnectMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(30);

    private readonly ILogger _logger = loggers.CreateLogger<WorkflowWorker>();
    private readonly TurnEnvironment _environment = new(registry, serializer, loggers);
    private readonly EngineConnection _engine = new(configuration, registry.ChannelOptions);
    private readonly Slots _turnSlots = new(registry.MaxConcurrentWorkflows);
    private readonly Slots _activitySlots = new(registry.MaxConcurrentActivities);
    private readonly ActivitiesInFlight _inFlight = new();

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // What runs may finish and be answered; the host's shutdown timeout bounds the wait.
        await _turnSlots.DrainAsync(cancellationToken);
        await _activitySlots.DrainAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _engine.Dispose();
        _turnSlots.Dispose();
        _activitySlots.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // An app that only starts workflows of others must not offer to run any.
        if (registry.IsEmpty)
            return;
        LogStarted(_logger, _engine.Endpoint);
        var backoff = new Backoff(ReconnectFirst, ReconnectMax);
        while (!stoppingToken.IsCancellationRequested)
        {
            var opened = TimeProvider.System.GetTimestamp();
            try
            {
                await ReceiveAsync(stoppingToken);
                LogDisconnected(_logger, _engine.Endpoint, "the sidecar ended the stream");
            }
            catch (Exception failure)
            {
                // Whatever it was, the workflows of this app wait for a worker: log it and connect again.
                if (stoppingToken.IsCancellationRequested)
                    return;
                LogDisconnected(_logger, _engine.Endpoint, failure.Message);
            }
            // A stream that held for a while is a sidecar that was restarted, not one that refuses.
            if (TimeProvider.System.GetElapsedTime(opened) > StableAfter)
                backoff.Reset();
            await Task.Delay(backoff.Next(), TimeProvider.System, stoppingToken);
        }
    }

    private async Task ReceiveAsync(CancellationToken stop)
    {
        using var connection = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var stream = _engine.OpenWorkItems(connection.Token);
        var pinging = PingAsync(connection);
        try
        {
            while (await stream.ResponseStream.MoveNext(connection.Token))
                Dispatch(stream.ResponseStream.Current, connection, stop);
        }
        finally
        {
            await connection.CancelAsync();
            await pinging;
        }
    }

    /// <summary>Keeps the connection in use, and gives it up when the other side no longer answers.</summary>
    private async Task PingAsync(CancellationTokenSource connection)
    {
        try
        {
            while (true)
            {
                await Task.Delay(PingInterval, TimeProvider.System, connection.Token);
                await _engine.PingAsync(connection.Token);
            }
        }
        catch (OperationCanceledException) when (connection.IsCancellationRequested)
        {
            // The stream has ended first.
        }
        catch (RpcException failure)
        {
            if (connection.IsCancellationRequested || failure.StatusCode == StatusCode.Unimplemented)
                return;
            LogDisconnected(_logger, _engine.Endpoint, "no answer to a ping: " + failure.Status.Detail);
            await connection.CancelAsync();
        }
    }

    private void Dispatch(WorkItem item, CancellationTokenSource connection, CancellationToken stop)
    {
        switch (item.RequestCase)
        {
            case WorkItem.RequestOneofCase.WorkflowRequest:
                _ = Task.Run(
                    () => _turnSlots.RunAsync(() => TurnAsync(item, connection, stop), stop),
                    CancellationToken.None
                );
                break;
            case WorkItem.RequestOneofCase.ActivityRequest:
                if (_inFlight.TryBegin(item.ActivityRequest, item.CompletionToken))
                    _ = Task.Run(
                        () => _activitySlots.RunAsync(() => ActivityAsync(item, connection), stop),
                        CancellationToken.None
                    );
                break;
        }
    }

    private async Task TurnAsync(WorkItem item, CancellationTokenSource connection, CancellationToken stop)
    {
        var request = item.WorkflowRequest;
        try
        {
            IReadOnlyList<HistoryEvent> history = request.RequiresHistoryStreaming
                ? await _engine.HistoryAsync(request.InstanceId, stop)
                : request.PastEvents;
            var response = await RunTurnAsync(request, history);
            response.CompletionToken = item.CompletionToken;
            try
            {
                await _engine.AnswerTurnAsync(response);
            }
            catch (RpcException tooLarge) when (tooLarge.StatusCode == StatusCode.ResourceExhausted)
            {
                // It will be as large next time: better a failed workflow that says why than one that hangs.
                response = WorkflowTurn.Broken(request, tooLarge);
                response.CompletionToken = item.CompletionToken;
                await _engine.AnswerTurnAsync(response);
            }
        }
        catch (Exception failure)
        {
            await GiveUpAsync(failure, request.InstanceId, connection);
        }
    }

    private async Task<WorkflowResponse> RunTurnAsync(
        WorkflowRequest request,
        IReadOnlyList<HistoryEvent> history
    )
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return WorkflowTurn.Run(request, history, _environment, scope.ServiceProvider);
        }
        catch (Exception broken)
        {
            LogBroken(_logger, broken, request.InstanceId);
            return WorkflowTurn.Broken(request, broken);
        }
    }

    private async Task ActivityAsync(WorkItem item, CancellationTokenSource connection)
    {
        var request = item.ActivityRequest;
        try
        {
            var response = await ActivityRun.RunAsync(request, registry, scopes, serializer);
            await AnswerActivityAsync(request, response);
        }
        catch (Exception failure)
        {
            await GiveUpAsync(failure, request.WorkflowInstance?.InstanceId ?? string.Empty, connection);
        }
        finally
        {
            _inFlight.End(request);
        }
    }

    private async Task AnswerActivityAsync(ActivityRequest request, ActivityResponse response)
    {
        try
        {
            await _engine.AnswerActivityAsync(response, () => _inFlight.TokenOf(request));
        }
        catch (RpcException tooLarge) when (tooLarge.StatusCode == StatusCode.ResourceExhausted)
        {
            response.Result = null;
            response.FailureDetails = Failures.Of(tooLarge);
            await _engine.AnswerActivityAsync(response, () => _inFlight.TokenOf(request));
        }
    }

    /// <summary>
    /// An item without an answer hangs its workflow for ever, but a new connection brings it back.
    /// </summary>
    private async Task GiveUpAsync(Exception failure, string instanceId, CancellationTokenSource connection)
    {
        LogUnanswered(_logger, failure, instanceId);
        // A refusal (the item is stale, say) is final: asking again would bring the same.
        if (failure is not RpcException lost || !EngineConnection.MayPass(lost))
            return;
        try
        {
            await connection.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // That connection has ended already, and its successor brings the item.
            return;
        }
    }

    [LoggerMessage(LogLevel.Information, "Workflow worker takes work from {Endpoint}")]
    private static partial void LogStarted(ILogger logger, string endpoint);

    [LoggerMessage(LogLevel.Error, "A turn of workflow {InstanceId} broke the worker's own code")]
    private static partial void LogBroken(ILogger logger, Exception failure, string instanceId);

    [LoggerMessage(LogLevel.Warning, "Workflow worker lost {Endpoint}, reconnecting: {Reason}")]
    private static partial void LogDisconnected(ILogger logger, string endpoint, string reason);

    [LoggerMessage(LogLevel.Warning, "A work item of workflow {InstanceId} stays unanswered")]
    private static partial void LogUnanswered(ILogger logger, Exception failure, string instanceId);
}
