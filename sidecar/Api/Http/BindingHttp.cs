using System.Text;
using System.Text.Json;
using Souk.Sidecar.Bindings;

namespace Souk.Sidecar.Api.Http;

/// <summary>Output bindings over HTTP.</summary>
internal static class BindingHttp
{
    public static void Map(ApiRoutes routes) => routes.Write("/v1.0/bindings/{name}", Invoke);

    private static async Task Invoke(ApiCall call)
    {
        var body = await call.JsonAsync();
        var request = new BindingCall(
            JsonBody.Text(call.App, body, "operation") ?? "",
            DataOf(JsonBody.Member(call.App, body, "data"))
        )
        {
            Metadata = JsonBody
                .Texts(call.App, body, "metadata")
                .ToDictionary(item => item.Name, item => item.Value),
            Trace = call.Trace,
        };
        var reply = await BindingApi.InvokeAsync(call.App, call.Value("name"), request, call.Cancellation);
        foreach (var (name, value) in reply.Metadata)
            call.Context.Response.Headers[$"metadata.{name}"] = value;
        if (reply.Data.IsEmpty && reply.Metadata.Count == 0)
            await call.NoContentAsync();
        else
            await call.AnswerAsync(reply.Data, "application/json");
    }

    /// <summary>A text goes without its quotes, anything else as it was written.</summary>
    public static ReadOnlyMemory<byte> DataOf(JsonElement? data) =>
        data switch
        {
            null => default,
            { ValueKind: JsonValueKind.String } text => Encoding.UTF8.GetBytes(text.GetString() ?? ""),
            { } json => Encoding.UTF8.GetBytes(json.GetRawText()),
        };
}
