using System.Text.Json.Nodes;
using Souk.Gateway.Routing;
using Souk.Gateway.Streams;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// Streams over WebSocket, for which OpenAPI has no words: an extension tells what goes over the socket, and
/// where HTTP alone cannot serve the RPC its success is 101.
/// </summary>
internal static class Sockets
{
    private const string Extension = "x-websocket";

    private const string Switched =
        "A WebSocket: a text frame with one JSON message for each message of the stream, in both directions. "
        + "Path and query fill fields of each that is sent; an empty frame says that none follows.";

    /// <summary>Marks the operation of an RPC that can be had over a socket.</summary>
    public static void Mark(JsonObject operation, Route route, Schemas schemas)
    {
        // A socket is opened by a GET.
        if (!route.Rpc.IsStream || route.Method != HttpMethods.Get || route.IsRawResponse)
            return;
        var socket = new JsonObject
        {
            ["subprotocol"] = SocketAdmission.Subprotocol,
            ["required"] = route.Rpc.IsClientStreaming,
        };
        if (route.Rpc.IsClientStreaming)
            socket["sent"] = schemas.Of(route.Rpc.Descriptor.InputType);
        socket["received"] = schemas.Of(route.Rpc.Descriptor.OutputType);
        operation[Extension] = socket;
    }

    /// <summary>The success of an RPC that is served over a socket only.</summary>
    public static JsonObject Success() => new() { ["101"] = new JsonObject { ["description"] = Switched } };
}
