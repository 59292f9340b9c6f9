using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Souk.Shared;

/// <summary>How calls for an app id leave the process; tests address their own processes.</summary>
public interface IMeshRoutes
{
    /// <summary>The invoker for an app's calls.</summary>
    CallInvoker To(string appId);
}

/// <summary>Through the own sidecar, which finds the app by the call's metadata.</summary>
internal sealed class SidecarRoutes(Sidecar sidecar) : IMeshRoutes
{
    public CallInvoker To(string appId) =>
        sidecar.Invoker.Intercept(headers =>
        {
            headers.Add("dapr-app-id", appId);
            return headers;
        });
}

/// <summary>
/// Typed clients of other services, and the options of their calls: deadline, identity, cancellation.
/// </summary>
public sealed class Mesh
{
    private readonly IMeshRoutes _routes;
    private readonly Lazy<ServiceTokens> _tokens;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<(System.Type Type, string AppId), object> _clients = new();
    private readonly ConcurrentDictionary<string, Circuit> _circuits = new();

    /// <summary>Makes the mesh; clients are made when they are first asked for.</summary>
    /// <param name="tokens">Lazy, because service tokens themselves come through the mesh.</param>
    public Mesh(IMeshRoutes routes, Lazy<ServiceTokens> tokens, TimeProvider clock)
    {
        _routes = routes;
        _tokens = tokens;
        _clock = clock;
        Telemetry.Meter.CreateObservableGauge(
            "mesh.circuit.state",
            Measure,
            null,
            "0 closed, 1 half open, 2 open"
        );
    }

    /// <summary>The client of a service. One instance serves all calls.</summary>
    /// <param name="appId">Who serves it.</param>
    public T Client<T>(string appId)
        where T : ClientBase<T> =>
        (T)
            _clients.GetOrAdd(
                (typeof(T), appId),
                static (key, mesh) =>
                    Activator.CreateInstance(key.Type, mesh.Invoker(key.Type, key.AppId))
                    ?? throw new InvalidOperationException($"{key.Type.Name} cannot be made."),
                this
            );

    /// <summary>What happens to the next call to a service.</summary>
    public CircuitState CircuitOf(string appId) =>
        _circuits.TryGetValue(appId, out var circuit) ? circuit.State : CircuitState.Closed;

    /// <summary>
    /// The options of a call that is part of answering another: it ends when the incoming call ends or after
    /// the timeout, whichever is first, and acts for the same caller. The trace travels by itself, with the
    /// current activity.
    /// </summary>
    public static CallOptions Call(ServerCallContext context, TimeSpan timeout)
    {
        var deadline = Deadline(timeout);
        var headers = new Metadata();
        if (context.RequestHeaders.GetValue("authorization") is { } authorization)
            headers.Add("authorization", authorization);
        return new CallOptions(
            headers,
            context.Deadline < deadline ? context.Deadline : deadline,
            context.CancellationToken
        );
    }

    /// <summary>
    /// The options of a call that this process makes for itself: from a job, an event or a workflow.
    /// </summary>
    public async ValueTask<CallOptions> AsServiceAsync(TimeSpan timeout, CancellationToken token)
    {
        var bearer = await _tokens.Value.GetAsync(token);
        return new CallOptions(
            new Metadata { { "authorization", $"Bearer {bearer}" } },
            Deadline(timeout),
            token
        );
    }

    // The circuit sees every attempt, the retry only what the circuit let through.
    private CallInvoker Invoker(System.Type client, string appId)
    {
        var circuit = _circuits.GetOrAdd(appId, static (_, clock) => new Circuit(clock), _clock);
        return _routes.To(appId).Intercept(new MeshCircuit(appId, circuit)).Intercept(new MeshRetry(client));
    }

    private IEnumerable<Measurement<int>> Measure() =>
        _circuits.Select(pair => new Measurement<int>(
            (int)pair.Value.State,
            new KeyValuePair<string, object?>("app_id", pair.Key)
        ));

    // Deadlines belong to the network, which knows nothing of a test's clock.
    private static DateTime Deadline(TimeSpan timeout) =>
        TimeProvider.System.GetUtcNow().UtcDateTime + timeout;
}
