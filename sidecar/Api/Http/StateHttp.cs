using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;

namespace Souk.Sidecar.Api.Http;

/// <summary>State over HTTP.</summary>
internal static class StateHttp
{
    private const string ContentType = "application/json";

    public static void Map(ApiRoutes routes)
    {
        routes.Write("/v1.0/state/{store}", Save);
        routes.Write("/v1.0/state/{store}/bulk", GetBulk);
        routes.Write("/v1.0/state/{store}/transaction", Transact);
        routes.Get("/v1.0/state/{store}/{key}", Get);
        routes.Delete("/v1.0/state/{store}/{key}", Delete);
    }

    private static async Task Save(ApiCall call)
    {
        var body = await call.JsonAsync();
        if (body.ValueKind != JsonValueKind.Array)
            throw JsonBody.Wrong(call.App, "the body", "a list of items");
        var request = new SaveStateRequest { StoreName = call.Value("store") };
        var shared = call.Metadata();
        foreach (var item in body.EnumerateArray())
            request.States.Add(StateItemJson.Read(call.App, item, shared));
        await StateApi.SaveAsync(call.App, request, call.Cancellation);
        await call.NoContentAsync();
    }

    private static async Task Get(ApiCall call)
    {
        var request = new GetStateRequest
        {
            StoreName = call.Value("store"),
            Key = call.Value("key"),
            Consistency = StateItemJson.ConsistencyOf(call.Query("consistency")),
        };
        request.Metadata.Add(call.Metadata());
        var found = await StateApi.GetAsync(call.App, request, call.Cancellation);
        // An etag tells an empty value from a missing one, yet Dapr answers both alike.
        if (found.Data.IsEmpty)
        {
            await call.NoContentAsync();
            return;
        }
        call.Context.Response.Headers.ETag = found.Etag;
        foreach (var (name, value) in found.Metadata)
            call.Context.Response.Headers["metadata." + name] = value;
        await call.AnswerAsync(found.Data.Memory, ContentType);
    }

    private static async Task GetBulk(ApiCall call)
    {
        var body = await call.JsonAsync();
        var request = new GetBulkStateRequest
        {
            StoreName = call.Value("store"),
            Parallelism = JsonBody.Whole(call.App, body, "parallelism") ?? 0,
        };
        foreach (var key in JsonBody.List(call.App, body, "keys"))
            request.Keys.Add(key.ValueKind == JsonValueKind.String ? key.GetString() : key.GetRawText());
        request.Metadata.Add(call.Metadata());
        foreach (var (name, value) in JsonBody.Texts(call.App, body, "metadata"))
            request.Metadata[name] = value;
        var found = await StateApi.GetBulkAsync(call.App, request, call.Cancellation);
        await call.AnswerAsync(json =>
        {
            json.WriteStartArray();
            foreach (var item in found.Items)
                StateItemJson.Write(json, item);
            json.WriteEndArray();
        });
    }

    private static async Task Delete(ApiCall call)
    {
        var request = new DeleteStateRequest
        {
            StoreName = call.Value("store"),
            Key = call.Value("key"),
            Options = new StateOptions
            {
                Concurrency = StateItemJson.ConcurrencyOf(call.Query("concurrency")),
                Consistency = StateItemJson.ConsistencyOf(call.Query("consistency")),
            },
        };
        request.Metadata.Add(call.Metadata());
        if (call.Context.Request.Headers.IfMatch is [{ } etag, ..])
            request.Etag = new Etag { Value = etag };
        await StateApi.DeleteAsync(call.App, request, call.Cancellation);
        await call.NoContentAsync();
    }

    private static async Task Transact(ApiCall call)
    {
        var body = await call.JsonAsync();
        var request = new ExecuteStateTransactionRequest { StoreName = call.Value("store") };
        request.Metadata.Add(call.Metadata());
        foreach (var (name, value) in JsonBody.Texts(call.App, body, "metadata"))
            request.Metadata[name] = value;
        foreach (var operation in JsonBody.List(call.App, body, "operations"))
        {
            request.Operations.Add(
                new TransactionalStateOperation
                {
                    OperationType = JsonBody.Text(call.App, operation, "operation") ?? "",
                    Request = JsonBody.Member(call.App, operation, "request") is { } item
                        ? StateItemJson.Read(call.App, item, request.Metadata)
                        : new StateItem(),
                }
            );
        }
        await StateApi.TransactAsync(call.App, request, call.Cancellation);
        await call.NoContentAsync();
    }
}
