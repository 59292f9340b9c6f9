using System.Globalization;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using DaprClient = Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient;

namespace Souk.Bench.Sidecar;

/// <summary>
/// The loads that the local runtime is measured with, and the same without it, as the best that the machine
/// allows.
/// </summary>
internal sealed class SidecarLoads : IDisposable
{
    private const double CallsPerSecond = 1_000;
    private const double EventsPerSecond = 500;
    private const int Keys = 500;

    private readonly GrpcChannel _app;
    private readonly GrpcChannel _sidecar;
    private readonly PlainRedis _redis;

    public SidecarLoads(BenchedApp app, BenchedApp caller, MeasuredApp behind)
    {
        _app = GrpcChannel.ForAddress($"http://127.0.0.1:{app.Port}");
        _sidecar = GrpcChannel.ForAddress($"http://127.0.0.1:{caller.GrpcPort}");
        _redis = new PlainRedis(SidecarBench.Redis);
        Direct = Calls(_app);
        Proxied = Calls(_sidecar);
        Redis = new Load(
            CallsPerSecond,
            (i, token) => i % 2 == 0 ? _redis.SetAsync(token) : _redis.GetAsync(token)
        );
        State = States(new DaprClient(_sidecar));
        var client = new DaprClient(_sidecar);
        Events = new Load(EventsPerSecond, (_, token) => MeasuredApp.PublishAsync(client, behind, token));
    }

    public Load Direct { get; }

    public Load Proxied { get; }

    public Load Redis { get; }

    public Load State { get; }

    public Load Events { get; }

    public void Dispose()
    {
        _app.Dispose();
        _sidecar.Dispose();
        _redis.Dispose();
    }

    private static Load Calls(GrpcChannel channel)
    {
        var client = new AppCallback.AppCallbackClient(channel);
        var headers = new Metadata { { "dapr-app-id", "app" } };
        var request = new InvokeRequest
        {
            Method = "echo",
            Data = new Any { Value = ByteString.CopyFrom(new byte[200]) },
        };
        return new Load(
            CallsPerSecond,
            async (_, token) => await client.OnInvokeAsync(request, headers, null, token)
        );
    }

    private static Load States(DaprClient client)
    {
        var value = ByteString.CopyFrom(new byte[500]);
        return new Load(
            CallsPerSecond,
            async (i, token) =>
            {
                var key = string.Create(CultureInfo.InvariantCulture, $"bench-{i / 2 % Keys}");
                if (i % 2 == 0)
                {
                    var save = new SaveStateRequest { StoreName = "statestore" };
                    save.States.Add(new StateItem { Key = key, Value = value });
                    await client.SaveStateAsync(save, null, null, token);
                }
                else
                {
                    var get = new GetStateRequest { StoreName = "statestore", Key = key };
                    await client.GetStateAsync(get, null, null, token);
                }
            }
        );
    }
}
