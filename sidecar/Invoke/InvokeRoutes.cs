using System.Collections.Concurrent;
using System.Net;
using Grpc.Net.Client;
using Souk.Sidecar.Api;
using Souk.Sidecar.Components;
using Souk.Sidecar.Proxy;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;

namespace Souk.Sidecar.Invoke;

/// <summary>A target that may be called, and what holds for calls to it.</summary>
internal sealed record InvokeRoute(string Id, IInvokeLine Line, TargetPolicy? Policy);

/// <summary>
/// Finds the way to an app: in this process, in another process of this machine, or at an address outside.
/// Refuses what the callee's access control does not allow, and apps that are ill.
/// </summary>
internal sealed class InvokeRoutes(AppDirectory apps, Peers peers, AppTransport transport, TimeProvider clock)
    : IDisposable
{
    private readonly SocketsHttpHandler _outsideTransport = Transport.CreateToOutside();
    private readonly HttpMessageInvoker _peers = new(transport, disposeHandler: false);
    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new(StringComparer.Ordinal);
    private HttpMessageInvoker? _outside;

    public InvokeRoute Find(Caller caller, InvokeTarget target, string verb)
    {
        var policy = caller.Sidecar.Components.Resiliency.ForApp(target.Id);
        if (LocalApp(caller, target.Id) is { } app)
        {
            Admit(caller, app, target.Path, verb);
            return new InvokeRoute(target.Id, LineTo(caller, app, target.Id), policy);
        }
        if (caller.IsRemote)
            throw DaprFault.Invoke(caller.Sidecar, target.Id, $"couldn't find service: {target.Id}");
        if (OutsideLine(caller, target) is { } line)
            return new InvokeRoute(target.Id, line, policy);
        var address =
            peers.Find(target.Id)
            ?? throw DaprFault.Invoke(caller.Sidecar, target.Id, $"couldn't find service: {target.Id}");
        var method = $"{address}/v1.0/invoke/{Uri.EscapeDataString(target.Id)}/method";
        return new InvokeRoute(target.Id, new AddressLine(method, _peers, HttpVersion.Version20), policy);
    }

    /// <summary>
    /// The app of an id in this process; a sidecar from elsewhere means this port's app alone.
    /// </summary>
    public SidecarApp? LocalApp(Caller caller, string id)
    {
        var app = apps.Find(id);
        return caller.IsRemote && app != caller.Sidecar ? null : app;
    }

    /// <summary>
    /// The sidecar of an app that is not in this process; null when there is none, or when the caller is one
    /// itself: a call goes one step and no further.
    /// </summary>
    public DaprApi.DaprClient? Peer(Caller caller, string id)
    {
        if (caller.IsRemote || LocalApp(caller, id) is not null)
            return null;
        if (caller.Sidecar.Components.HttpEndpoint(id) is not null || peers.Find(id) is not { } address)
            return null;
        return new DaprApi.DaprClient(_channels.GetOrAdd(address, ChannelTo));
    }

    /// <summary>Throws when the callee may not be called now, or not by this caller.</summary>
    public static void Admit(Caller caller, SidecarApp app, string operation, string? verb)
    {
        if (!app.Configuration.Access.Allows(caller.AppId, caller.Namespace, operation, verb))
        {
            throw DaprFault.InvokeDenied(
                caller.Sidecar,
                app.AppId,
                $"access control policy has denied access to id: {caller.AppId} operation: {operation} verb: {verb}"
            );
        }
        if (!app.Admission.IsOpenToApp)
            throw DaprFault.InvokeLate(caller.Sidecar, app.AppId);
        if (!app.Channel.IsHealthy)
            throw DaprFault.Invoke(caller.Sidecar, app.AppId, "app is not in a healthy state");
    }

    public void Dispose()
    {
        foreach (var channel in _channels.Values)
            channel.Dispose();
        _peers.Dispose();
        _outside?.Dispose();
        _outsideTransport.Dispose();
    }

    private GrpcChannel ChannelTo(string address) =>
        GrpcChannel.ForAddress(
            address,
            new GrpcChannelOptions { HttpHandler = transport, DisposeHttpClient = false }
        );

    private IInvokeLine LineTo(Caller caller, SidecarApp app, string id)
    {
        if (app.Channel.Http is { } http)
            return new HttpAppLine(app, http, clock);
        if (app.Channel.Callbacks is { } callbacks)
            return new GrpcAppLine(app, callbacks);
        throw DaprFault.Invoke(caller.Sidecar, id, "app channel is not initialized: the app has no port");
    }

    private AddressLine? OutsideLine(Caller caller, InvokeTarget target)
    {
        if (target.IsAddress)
            return new AddressLine(target.Id.TrimEnd('/'), Outside(), HttpVersion.Version11);
        return caller.Sidecar.Components.HttpEndpoint(target.Id) is { } endpoint
            ? new AddressLine(endpoint.BaseUrl.TrimEnd('/'), Outside(), HttpVersion.Version11)
            {
                ExtraHeaders = endpoint.Headers,
            }
            : null;
    }

    private HttpMessageInvoker Outside() => _outside ??= new(_outsideTransport, disposeHandler: false);
}
