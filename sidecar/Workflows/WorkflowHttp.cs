using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Souk.Sidecar.Api;
using Souk.Sidecar.Api.Http;
using TraceContext = Dapr.DurableTask.Protobuf.TraceContext;

namespace Souk.Sidecar.Workflows;

/// <summary>The workflow methods of Dapr's HTTP API; three versions of the path, all the same.</summary>
internal sealed class WorkflowHttp(WorkflowManagement workflows)
{
    private static readonly string[] Versions = ["v1.0", "v1.0-beta1", "v1.0-alpha1"];

    public void Map(ApiRoutes routes)
    {
        foreach (var version in Versions)
        {
            var all = $"/{version}/workflows/{{component}}";
            var one = $"{all}/{{id}}";
            routes.Post(one + "/start", Answering(StartAsync));
            routes.Get(one, Answering(GetAsync));
            routes.Post(one + "/raiseEvent/{name}", Answering(RaiseAsync));
            routes.Post(one + "/pause", Answering(Accepted(workflows.PauseAsync)));
            routes.Post(one + "/resume", Answering(Accepted(workflows.ResumeAsync)));
            routes.Post(one + "/terminate", Answering(Accepted(workflows.TerminateAsync)));
            routes.Post(one + "/purge", Answering(Accepted(workflows.PurgeAsync)));
            // A workflow without a name in its path, which no parameter matches.
            routes.Post(all + "/{**rest:regex(^/start$)}", _ => throw ManagementFault.NameMissing());
        }
    }

    private async Task StartAsync(ApiCall call)
    {
        var start = new WorkflowStart(call.Value("id"), call.Query("instanceID"))
        {
            Input = await TextAsync(call),
            Trace = TraceOf(call),
        };
        var id = await workflows.StartAsync(call.App.AppId, start, call.Cancellation);
        call.Context.Response.StatusCode = StatusCodes.Status202Accepted;
        await call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("instanceID", id);
            json.WriteEndObject();
        });
    }

    private async Task GetAsync(ApiCall call)
    {
        var id = call.Value("id");
        var summary =
            await workflows.GetAsync(call.App.AppId, id, call.Cancellation)
            ?? throw ManagementFault.NotFound(id);
        await call.AnswerAsync(json => Write(json, id, summary));
    }

    private static void Write(Utf8JsonWriter json, string id, WorkflowSummary summary)
    {
        json.WriteStartObject();
        json.WriteString("instanceID", id);
        json.WriteString("workflowName", summary.View.Started.Name);
        json.WriteString("createdAt", Text(summary.View.CreateTime));
        json.WriteString("lastUpdatedAt", Text(summary.View.UpdateTime));
        json.WriteString("runtimeStatus", summary.RuntimeStatus);
        json.WriteStartObject("properties");
        foreach (var (name, value) in summary.Properties)
        {
            json.WriteString(name, value);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private async Task RaiseAsync(ApiCall call)
    {
        await workflows.RaiseAsync(
            call.App.AppId,
            call.Value("id"),
            call.Value("name"),
            await TextAsync(call),
            call.Cancellation
        );
        call.Context.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private static Func<ApiCall, Task> Accepted(Func<string, string, CancellationToken, Task> operation) =>
        async call =>
        {
            await operation(call.App.AppId, call.Value("id"), call.Cancellation);
            call.Context.Response.StatusCode = StatusCodes.Status202Accepted;
        };

    // The engine's own errors have no code of Dapr's HTTP API.
    private static Func<ApiCall, Task> Answering(Func<ApiCall, Task> operation) =>
        async call =>
        {
            try
            {
                await operation(call);
            }
            catch (RpcException fault) when (fault is not DaprException)
            {
                throw new DaprException(
                    fault.Status,
                    fault.Trailers,
                    HttpStatus(fault.StatusCode),
                    "ERR_WORKFLOW"
                );
            }
        };

    private static int HttpStatus(StatusCode code) =>
        code switch
        {
            StatusCode.InvalidArgument => StatusCodes.Status400BadRequest,
            StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        };

    private static async Task<string?> TextAsync(ApiCall call)
    {
        var body = await call.BodyAsync();
        return body.IsEmpty ? null : Encoding.UTF8.GetString(body.Span);
    }

    private static TraceContext? TraceOf(ApiCall call)
    {
        var headers = call.Context.Request.Headers;
        return WorkflowCaller.Trace(headers.TraceParent, headers.TraceState);
    }

    private static string Text(Timestamp time) =>
        time.ToDateTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
