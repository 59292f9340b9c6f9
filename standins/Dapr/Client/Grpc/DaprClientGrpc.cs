using System.Text.Json;
using Google.Protobuf.Collections;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.Client;

/// <summary>
/// The one implementation: everything over gRPC, health over HTTP as the sidecar offers it only there.
/// </summary>
internal sealed partial class DaprClientGrpc(
    GrpcChannel channel,
    HttpClient http,
    Metadata headers,
    JsonSerializerOptions json
) : DaprClient
{
    private static readonly TimeSpan HealthPollInterval = TimeSpan.FromMilliseconds(500);

    private readonly Wire.Dapr.DaprClient _sidecar = new(channel);

    /// <inheritdoc/>
    public override JsonSerializerOptions JsonSerializerOptions => json;

    /// <inheritdoc/>
    public override Task<bool> CheckHealthAsync(CancellationToken cancellationToken = default) =>
        IsHealthyAsync("v1.0/healthz", cancellationToken);

    /// <inheritdoc/>
    public override Task<bool> CheckOutboundHealthAsync(CancellationToken cancellationToken = default) =>
        IsHealthyAsync("v1.0/healthz/outbound", cancellationToken);

    /// <inheritdoc/>
    public override async Task WaitForSidecarAsync(CancellationToken cancellationToken = default)
    {
        while (!await CheckOutboundHealthAsync(cancellationToken))
            await Task.Delay(HealthPollInterval, TimeProvider.System, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task ShutdownSidecarAsync(CancellationToken cancellationToken = default) =>
        CallAsync(_sidecar.ShutdownAsync(new Wire.ShutdownRequest(), Options(cancellationToken)), "Shutdown");

    /// <inheritdoc/>
    public override async Task<DaprMetadata> GetMetadataAsync(CancellationToken cancellationToken = default)
    {
        var metadata = await CallAsync(
            _sidecar.GetMetadataAsync(new Wire.GetMetadataRequest(), Options(cancellationToken)),
            "GetMetadata"
        );
        return new DaprMetadata(
            metadata.Id,
            [],
            metadata.ExtendedMetadata,
            [
                .. metadata.RegisteredComponents.Select(component => new DaprComponentsMetadata(
                    component.Name,
                    component.Type,
                    component.Version,
                    [.. component.Capabilities]
                )),
            ]
        );
    }

    /// <inheritdoc/>
    public override Task SetMetadataAsync(
        string attributeName,
        string attributeValue,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(attributeName);
        var request = new Wire.SetMetadataRequest { Key = attributeName, Value = attributeValue };
        return CallAsync(_sidecar.SetMetadataAsync(request, Options(cancellationToken)), "SetMetadata");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            channel.Dispose();
            http.Dispose();
        }
        base.Dispose(disposing);
    }

    private async Task<bool> IsHealthyAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(path, cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // Nobody listens yet, which is exactly what the caller asks about.
        }
    }

    private CallOptions Options(CancellationToken cancellationToken) =>
        new(headers, cancellationToken: cancellationToken);

    private static async Task<TAnswer> CallAsync<TAnswer>(AsyncUnaryCall<TAnswer> call, string method)
    {
        using (call)
        {
            try
            {
                return await call;
            }
            catch (RpcException failure)
            {
                throw Failed(method, failure);
            }
        }
    }

    /// <summary>For conditional writes: losing the race is an answer, everything else a failure.</summary>
    private static async Task<bool> TryCallAsync<TAnswer>(AsyncUnaryCall<TAnswer> call, string method)
    {
        using (call)
        {
            try
            {
                await call;
                return true;
            }
            catch (RpcException conflict) when (conflict.StatusCode == StatusCode.Aborted)
            {
                return false;
            }
            catch (RpcException failure)
            {
                throw Failed(method, failure);
            }
        }
    }

    private static DaprException Failed(string method, RpcException failure) =>
        new($"The sidecar refused {method}: {failure.StatusCode}, {failure.Status.Detail}", failure);

    private static void Copy(IReadOnlyDictionary<string, string>? from, MapField<string, string> to)
    {
        if (from is null)
            return;
        foreach (var (key, value) in from)
            to.Add(key, value);
    }
}
