using System.Text.Json;
using Dapr.Common;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Dapr.Client;

/// <summary>An app's way to its sidecar: state, events, secrets, bindings, health.</summary>
public abstract partial class DaprClient : IDisposable
{
    /// <summary>How values become JSON.</summary>
    public abstract JsonSerializerOptions JsonSerializerOptions { get; }

    /// <summary>
    /// Makes an invoker for gRPC clients of another app: each call goes through this app's sidecar.
    /// </summary>
    public static CallInvoker CreateInvocationInvoker(
        string appId,
        string? daprEndpoint = null,
        string? daprApiToken = null
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(appId);
        var channel = SidecarChannel.Shared(daprEndpoint ?? DaprDefaults.GetDefaultGrpcEndpoint());
        var token = daprApiToken ?? DaprDefaults.GetDefaultDaprApiToken(null);
        return channel.Intercept(new InvocationInterceptor(appId, token));
    }

    /// <summary>Whether the sidecar and its components are ready and the app is known to it.</summary>
    public abstract Task<bool> CheckHealthAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Whether the sidecar's components are ready, no matter the app: safe to wait on before listening.
    /// </summary>
    public abstract Task<bool> CheckOutboundHealthAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until <see cref="CheckOutboundHealthAsync"/> says yes.</summary>
    public abstract Task WaitForSidecarAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks the sidecar to stop.</summary>
    public abstract Task ShutdownSidecarAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks the sidecar what it is.</summary>
    public abstract Task<DaprMetadata> GetMetadataAsync(CancellationToken cancellationToken = default);

    /// <summary>Adds an entry to what the sidecar says about itself.</summary>
    public abstract Task SetMetadataAsync(
        string attributeName,
        string attributeValue,
        CancellationToken cancellationToken = default
    );

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes connections.</summary>
    protected virtual void Dispose(bool disposing) { }
}
