using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Souk.Gateway.Calls;
using Souk.Options.V1;
using Souk.Shared;
using Souk.Type;

namespace Souk.Gateway.Load;

/// <summary>
/// Refuses calls before a service collapses under them, the least important first: looking around goes before
/// carts, carts before checkouts.
/// </summary>
internal sealed class LoadGate
{
    private static readonly Counter<long> Refused = Telemetry.Meter.CreateCounter<long>(
        "gateway.overload.refused",
        description: "Calls refused because their service has too many"
    );

    private readonly int _streamsMax;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, ServiceLoad> _services = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, UsualTime> _usual = new(StringComparer.Ordinal);

    public LoadGate(GatewaySettings settings, TimeProvider clock)
    {
        (_streamsMax, _clock) = (settings.StreamsPerService, clock);
        Telemetry.Meter.CreateObservableGauge(
            "gateway.service.limit",
            () => Measure(load => load.Limit.Current)
        );
        Telemetry.Meter.CreateObservableGauge("gateway.service.calls", () => Measure(load => load.AtOnce));
        Telemetry.Meter.CreateObservableGauge("gateway.service.streams", () => Measure(load => load.Streams));
    }

    /// <summary>What a service has to carry now.</summary>
    public ServiceLoad Of(string appId) =>
        _services.GetOrAdd(appId, static (_, own) => new ServiceLoad(own._clock, own._streamsMax), this);

    /// <summary>Lets a call in; UNAVAILABLE/OVERLOADED when there is no room for its kind.</summary>
    public LoadLease Enter(GrpcCall call)
    {
        var service = Of(call.AppId);
        if (!service.TryEnter(call.Priority))
            throw Overloaded(call);
        var usual = call.Waits ? null : _usual.GetOrAdd(call.Path, _ => new UsualTime());
        return new LoadLease(service, usual, _clock);
    }

    /// <summary>Lets a stream in until the result is disposed; UNAVAILABLE/OVERLOADED as above.</summary>
    public IDisposable Open(GrpcCall call)
    {
        var service = Of(call.AppId);
        return service.TryOpen(call.Priority) ? new OpenStream(service) : throw Overloaded(call);
    }

    private static Exception Overloaded(GrpcCall call)
    {
        Refused.Add(1, new("app_id", call.AppId), new("priority", call.Priority.ToString()));
        return Fault.Unavailable(
            Reason.Overloaded,
            "There is more to do than can be done now.",
            PauseOf(call.Priority),
            ("app_id", call.AppId)
        );
    }

    // Those who come back later find it quieter if the important ones came back before them.
    private static TimeSpan PauseOf(Priority priority) =>
        TimeSpan.FromSeconds(
            priority switch
            {
                Priority.Checkout => 1,
                Priority.Cart => 2,
                Priority.Browse => 3,
                _ => 10,
            }
        );

    private IEnumerable<Measurement<int>> Measure(Func<ServiceLoad, int> what) =>
        _services.Select(pair => new Measurement<int>(
            what(pair.Value),
            new KeyValuePair<string, object?>("app_id", pair.Key)
        ));

    private sealed class OpenStream(ServiceLoad service) : IDisposable
    {
        private int _isClosed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isClosed, 1) == 0)
                service.Close();
        }
    }
}
