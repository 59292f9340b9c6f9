using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Souk.Sidecar.Api;
using Souk.Sidecar.Api.Http;
using Souk.Sidecar.Files;

namespace Souk.Sidecar.Bindings;

/// <summary>
/// What an app asks for in its answer to a binding's event: state to keep, and bindings to hand data to.
/// </summary>
internal sealed record BindingAnswer(
    SaveStateRequest State,
    IReadOnlyList<string> To,
    ReadOnlyMemory<byte> Data
)
{
    private static readonly Dictionary<string, string> NoMetadata = [];

    public static BindingAnswer Of(BindingEventResponse response)
    {
        var state = new SaveStateRequest { StoreName = response.StoreName };
        state.States.Add(response.States);
        return new BindingAnswer(state, response.To, response.Data.Memory);
    }

    /// <summary>Reads an HTTP app's answer; null for one that asks for nothing, which most are.</summary>
    public static BindingAnswer? Read(SidecarApp app, ReadOnlyMemory<byte> body)
    {
        if (TryParse(body) is not { ValueKind: JsonValueKind.Object } json)
            return null;
        var state = new SaveStateRequest { StoreName = JsonBody.Text(app, json, "storeName") ?? "" };
        foreach (var item in JsonBody.List(app, json, "state"))
            state.States.Add(StateItemJson.Read(app, item, NoMetadata));
        var to = JsonBody.List(app, json, "to").Select(name => name.ToString()).ToArray();
        return new BindingAnswer(state, to, BindingHttp.DataOf(GoJson.Member(json, "data")));
    }

    /// <summary>State first, then the bindings in turn; the first that fails ends it.</summary>
    public async Task FulfilAsync(SidecarApp app, CancellationToken cancellation)
    {
        if (State.States.Count > 0)
            await StateApi.SaveAsync(app, State, cancellation);
        foreach (var name in To)
            await BindingApi.InvokeAsync(app, name, new BindingCall("create", Data), cancellation);
    }

    private static JsonElement? TryParse(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
            return null;
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // An app may answer in plain words: those ask for nothing.
            return null;
        }
    }
}
