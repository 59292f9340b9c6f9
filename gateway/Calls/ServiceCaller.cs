using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Google.Rpc;
using Souk.Gateway.Load;
using Souk.Shared;
using Reason = Souk.Type.Reason;

namespace Souk.Gateway.Calls;

/// <summary>
/// Makes calls that survive a service's restart: safe ones are repeated a few times, and a service that
/// does not answer at all gets a rest.
/// </summary>
internal sealed partial class ServiceCaller
{
    private const int RetriesMax = 2;
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, Circuit> _circuits = new(StringComparer.Ordinal);
    private readonly Backend _backend;
    private readonly LoadGate _load;
    private readonly TimeProvider _clock;
    private readonly ILogger<ServiceCaller> _logger;

    public ServiceCaller(Backend backend, LoadGate load, TimeProvider clock, ILogger<ServiceCaller> logger)
    {
        (_backend, _load, _clock, _logger) = (backend, load, clock, logger);
        Telemetry.Meter.CreateObservableGauge(
            "gateway.circuit.state",
            () =>
                _circuits.Select(pair => new Measurement<int>(
                    (int)pair.Value.State,
                    new KeyValuePair<string, object?>("app_id", pair.Key)
                )),
            description: "0 closed, 1 half open, 2 open"
        );
    }

    /// <summary>The whole reply. Silence is an exception, whatever the service says is not.</summary>
    /// <param name="isSafe">Whether a repeat changes nothing.</param>
    /// <param name="token">Ends with the deadline or the caller, whichever is first.</param>
    /// <param name="aborted">Ends with the caller alone, who says nothing about the service.</param>
    public async Task<UnaryReply> CallAsync(
        GrpcCall call,
        bool isSafe,
        CancellationToken token,
        CancellationToken aborted
    )
    {
        using var lease = _load.Enter(call);
        var circuit = CircuitOf(call.AppId);
        try
        {
            for (var retriesLeft = isSafe ? RetriesMax : 0; ; retriesLeft--)
            {
                if (!circuit.TryPass())
                    throw Open(call.AppId);
                try
                {
                    var reply = await _backend.CallAsync(call, token);
                    var isSilent = IsSilence(reply.Ending);
                    Report(circuit, isSilent);
                    if (!isSilent || retriesLeft == 0)
                    {
                        lease.Answered();
                        return reply;
                    }
                    reply.Dispose();
                }
                catch (Exception e)
                {
                    Lost(circuit, call, e, aborted);
                    if (e is not IOException || retriesLeft == 0)
                        throw;
                }
                await Task.Delay(RetryPause * (RetriesMax + 1 - retriesLeft), _clock, token);
            }
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            if (!call.IsHurried)
                lease.Lost();
            throw;
        }
    }

    /// <summary>
    /// A reply that has begun, for streams: they cannot be repeated, but know a resting service, too.
    /// </summary>
    public async Task<GrpcReply> OpenAsync(GrpcCall call, CancellationToken token, CancellationToken aborted)
    {
        var place = _load.Open(call);
        try
        {
            var reply = await BeginAsync(call, token, aborted);
            reply.Place = place;
            return reply;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    private async Task<GrpcReply> BeginAsync(
        GrpcCall call,
        CancellationToken token,
        CancellationToken aborted
    )
    {
        var circuit = CircuitOf(call.AppId);
        if (!circuit.TryPass())
            throw Open(call.AppId);
        try
        {
            var reply = await _backend.SendAsync(call, token);
            Report(circuit, IsSilence(reply.Ending()));
            return reply;
        }
        catch (Exception e)
        {
            Lost(circuit, call, e, aborted);
            throw;
        }
    }

    private Circuit CircuitOf(string appId) =>
        _circuits.GetOrAdd(appId, static (_, clock) => new Circuit(clock), _clock);

    // Whoever leaves, is in a hurry, sends what cannot be passed on or asks for more than an answer may hold
    // must not close a service to others.
    private void Lost(Circuit circuit, GrpcCall call, Exception error, CancellationToken aborted)
    {
        var isTheirs =
            aborted.IsCancellationRequested
            || call.Refusal is not null
            || error is InvalidDataException
            || (call.IsHurried && error is OperationCanceledException);
        if (isTheirs)
        {
            circuit.Abandoned();
            return;
        }
        circuit.Failed();
        LogLost(_logger, call.Path, error.GetBaseException().Message);
    }

    private static void Report(Circuit circuit, bool isSilent)
    {
        if (isSilent)
            circuit.Failed();
        else
            circuit.Succeeded();
    }

    // A service that speaks gives a reason; what has none came from the mesh in its place.
    private static bool IsSilence(Status ending) =>
        ending.Code == (int)Code.Unavailable && ending.Details.Count == 0;

    private static Exception Open(string appId) =>
        Fault.Unavailable(
            Reason.CircuitOpen,
            "The service does not answer; calls are held back for a moment.",
            Circuit.Rest,
            ("app_id", appId)
        );

    [LoggerMessage(LogLevel.Warning, "{Rpc} got no answer: {Problem}")]
    private static partial void LogLost(ILogger logger, string rpc, string problem);
}
