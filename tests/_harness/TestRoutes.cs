using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>
/// Addresses: which app id listens on which port of this process. An app that is not there is UNAVAILABLE.
/// Services give each other seconds, which pass on a machine that stalls: here it is a minute.
/// </summary>
internal sealed class TestRoutes : IMeshRoutes, IDisposable
{
    private static readonly TimeSpan UsualMin = TimeSpan.FromSeconds(0.9);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new();

    public CallInvoker To(string appId) => new LateInvoker(() => Find(appId));

    internal bool Has(string appId) => _channels.ContainsKey(appId);

    internal void Add(string appId, string address) => _channels[appId] = GrpcChannel.ForAddress(address);

    /// <summary>Takes an app out of the mesh, as a crash would.</summary>
    internal void Remove(string appId)
    {
        if (_channels.TryRemove(appId, out var channel))
            channel.Dispose();
    }

    public void Dispose()
    {
        foreach (var channel in _channels.Values)
            channel.Dispose();
    }

    private CallInvoker Find(string appId) =>
        _channels.TryGetValue(appId, out var channel)
            ? channel.CreateCallInvoker()
            : throw new RpcException(new Status(StatusCode.Unavailable, $"{appId} is not running."));

    // What is shorter was meant to pass.
    private static CallOptions Patient(CallOptions options)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var isUsual = options.Deadline > now + UsualMin && options.Deadline < now + Patience;
        return isUsual ? options.WithDeadline(now + Patience) : options;
    }

    // Clients are made when a service starts, before those it calls may have started.
    private sealed class LateInvoker(Func<CallInvoker> find) : CallInvoker
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method,
            string? host,
            CallOptions options,
            TRequest request
        ) => find().BlockingUnaryCall(method, host, Patient(options), request);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method,
            string? host,
            CallOptions options,
            TRequest request
        ) => find().AsyncUnaryCall(method, host, Patient(options), request);

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method,
            string? host,
            CallOptions options,
            TRequest request
        ) => find().AsyncServerStreamingCall(method, host, Patient(options), request);

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<
            TRequest,
            TResponse
        >(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            find().AsyncClientStreamingCall(method, host, Patient(options));

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<
            TRequest,
            TResponse
        >(Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            find().AsyncDuplexStreamingCall(method, host, Patient(options));
    }
}
