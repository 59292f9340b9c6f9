using System.Globalization;
using System.Text.Json;
using Dapr.DurableTask.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Souk.Sidecar.Workflows;

/// <summary>The workflow methods of Dapr's HTTP API; three versions of the path, all the same.</summary>
internal sealed class WorkflowHttp(WorkflowManagement workflows)
{
    private static readonly string[] Versions = ["v1.0", "v1.0-beta1", "v1.0-alpha1"];

    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var version in Versions)
        {
            var one = $"/{version}/workflows/{{component}}/{{id}}";
            routes.MapPost(one + "/start", Answering(StartAsync));
            routes.MapGet(one, Answering(GetAsync));
            routes.MapPost(one + "/raiseEvent/{name}", Answering(RaiseAsync));
            routes.MapPost(one + "/pause", Answering(Accepted(workflows.PauseAsync)));
            routes.MapPost(one + "/resume", Answering(Accepted(workflows.ResumeAsync)));
            routes.MapPost(one + "/terminate", Answering(Accepted(workflows.TerminateAsync)));
            routes.MapPost(one + "/purge", Answering(Accepted(workflows.PurgeAsync)));
        }
    }

    private async Task StartAsync(HttpContext context)
    {
        var start = new WorkflowStart(Value(context, "id"), context.Request.Query["instanceID"].ToString())
        {
            Input = await BodyAsync(context),
            Trace = TraceOf(context),
        };
        var id = await workflows.StartAsync(AppOf(context), start, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await WriteAsync(context, json => json.WriteString("instanceID", id));
    }

    private async Task GetAsync(HttpContext context)
    {
        var id = Value(context, "id");
        var summary =
            await workflows.GetAsync(AppOf(context), id, context.RequestAborted)
            ?? throw ManagementFault.NotFound(id);
        await WriteAsync(
            context,
            json =>
            {
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
            }
        );
    }

    private async Task RaiseAsync(HttpContext context)
    {
        await workflows.RaiseAsync(
            AppOf(context),
            Value(context, "id"),
            Value(context, "name"),
            await BodyAsync(context),
            context.RequestAborted
        );
        context.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private static Func<HttpContext, Task> Accepted(
        Func<string, string, CancellationToken, Task> operation
    ) =>
        async context =>
        {
            await operation(AppOf(context), Value(context, "id"), context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
        };

    private static RequestDelegate Answering(Func<HttpContext, Task> operation) =>
        async context =>
        {
            try
            {
                await operation(context);
            }
            catch (RpcException fault)
            {
                context.Response.StatusCode = HttpStatus(fault.StatusCode);
                await WriteAsync(
                    context,
                    json =>
                    {
                        json.WriteString(
                            "errorCode",
                            (fault as ManagementFault)?.ErrorCode ?? "ERR_WORKFLOW"
                        );
                        json.WriteString("message", fault.Status.Detail);
                    }
                );
            }
        };

    private static int HttpStatus(StatusCode code) =>
        code switch
        {
            StatusCode.InvalidArgument => StatusCodes.Status400BadRequest,
            StatusCode.NotFound => StatusCodes.Status404NotFound,
            StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        };

    private static async Task<string?> BodyAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        return body.Length > 0 ? body : null;
    }

    private static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> members)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private static TraceContext? TraceOf(HttpContext context) =>
        WorkflowCaller.Trace(context.Request.Headers.TraceParent, context.Request.Headers.TraceState);

    private static string Text(Timestamp time) =>
        time.ToDateTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    private static string Value(HttpContext context, string name) =>
        context.Request.RouteValues[name]?.ToString() ?? "";

    private static string AppOf(HttpContext context) =>
        context.Features.GetRequiredFeature<SidecarApp>().AppId;
}
