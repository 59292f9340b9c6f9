using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Souk.Sidecar.Api.Http;
using Souk.Sidecar.PubSub;

namespace Souk.Sidecar.Metrics;

/// <summary>What one app's sidecar did, by the names that daprd gives it, in Prometheus' text
/// format.</summary>
internal sealed class AppMetrics(string appId, string space)
{
    private readonly Counter _calls = new(
        "dapr_grpc_io_server_completed_rpcs",
        "gRPC calls, the app's own and those proxied for it",
        "app_id",
        "grpc_server_method",
        "grpc_server_status"
    );
    private readonly Histogram _callLatency = new(
        "dapr_grpc_io_server_server_latency",
        "Milliseconds from a call's first byte to its end",
        "app_id",
        "grpc_server_method"
    );
    private readonly Counter _requests = new(
        "dapr_http_server_request_count",
        "HTTP requests",
        "app_id",
        "method",
        "path",
        "status"
    );
    private readonly Histogram _requestLatency = new(
        "dapr_http_server_latency",
        "Milliseconds of an HTTP request",
        "app_id",
        "method",
        "path"
    );
    private readonly Counter _states = new(
        "dapr_component_state_count",
        "Operations on state stores",
        "app_id",
        "component",
        "namespace",
        "operation",
        "success"
    );
    private readonly Histogram _stateLatency = new(
        "dapr_component_state_latencies",
        "Milliseconds of an operation on a state store",
        "app_id",
        "component",
        "namespace",
        "operation"
    );
    private readonly Counter _published = new(
        "dapr_component_pubsub_egress_count",
        "Events handed to a broker",
        "app_id",
        "component",
        "namespace",
        "success",
        "topic"
    );
    private readonly Counter _delivered = new(
        "dapr_component_pubsub_ingress_count",
        "Events from a broker: success when the app took it, drop when it was dropped or dead-lettered, "
            + "retry when it was left to the broker",
        "app_id",
        "component",
        "namespace",
        "process_status",
        "topic"
    );
    private readonly Histogram _deliveryLatency = new(
        "dapr_component_pubsub_ingress_latencies",
        "Milliseconds from taking an event to being done with it, attempts and pauses included",
        "app_id",
        "component",
        "namespace",
        "topic"
    );
    private readonly ConcurrentDictionary<
        (string Component, string Topic),
        Func<CancellationToken, Task<Backlog?>>
    > _backlogs = new();

    /// <summary>Workflows that are active and work items that wait for a worker; null without
    /// workflows.</summary>
    public Func<(int Active, int Waiting)?> Workflows { get; set; } = () => null;

    /// <summary>How many workflow workers are connected; null without workflows.</summary>
    public Func<int?> Workers { get; set; } = () => null;

    public void Called(HttpContext context, long started)
    {
        var elapsed = Stopwatch.GetElapsedTime(started);
        var request = context.Request;
        if (HttpPortMark.IsGrpc(context))
        {
            var method = (request.Path.Value ?? "").TrimStart('/');
            _calls.Add(appId, method, StatusOf(context));
            _callLatency.Record(elapsed, appId, method);
            return;
        }
        var path = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "other";
        var status = context.Response.StatusCode.ToString(CultureInfo.InvariantCulture);
        _requests.Add(appId, request.Method, path, status);
        _requestLatency.Record(elapsed, appId, request.Method, path);
    }

    public void StateDone(string component, string operation, bool succeeded, long started)
    {
        _states.Add(appId, component, space, operation, succeeded ? "true" : "false");
        _stateLatency.Record(Stopwatch.GetElapsedTime(started), appId, component, space, operation);
    }

    public void Published(string component, string topic, bool succeeded) =>
        _published.Add(appId, component, space, succeeded ? "true" : "false", topic);

    public void Delivered(string component, string topic, Handled? handled, long started)
    {
        var status = handled switch
        {
            Handled.Success => "success",
            Handled.Drop => "drop",
            _ => "retry",
        };
        _delivered.Add(appId, component, space, status, topic);
        _deliveryLatency.Record(Stopwatch.GetElapsedTime(started), appId, component, space, topic);
    }

    /// <summary>Asked at every scrape for as long as the subscription lives.</summary>
    public void Watch(string component, string topic, Func<CancellationToken, Task<Backlog?>> backlog) =>
        _backlogs[(component, topic)] = backlog;

    public void Unwatch(string component, string topic) => _backlogs.TryRemove((component, topic), out _);

    public async Task<string> WriteAsync(CancellationToken cancellation)
    {
        var text = new StringBuilder();
        _calls.Write(text);
        _callLatency.Write(text);
        _requests.Write(text);
        _requestLatency.Write(text);
        _states.Write(text);
        _stateLatency.Write(text);
        _published.Write(text);
        _delivered.Write(text);
        _deliveryLatency.Write(text);
        await WriteBacklogsAsync(text, cancellation);
        if (Workflows() is { } workflows)
        {
            Gauge(text, "sidecar_workflow_active", "Workflows that have not ended", workflows.Active);
            Gauge(text, "sidecar_workflow_waiting", "Work items that no worker has taken", workflows.Waiting);
            Gauge(text, "sidecar_workflow_workers", "Workers that are connected", Workers() ?? 0);
        }
        Gauge(text, "process_resident_memory_bytes", "Memory of the whole process", Environment.WorkingSet);
        return text.ToString();
    }

    private async Task WriteBacklogsAsync(StringBuilder text, CancellationToken cancellation)
    {
        var lags = new StringBuilder();
        var pending = new StringBuilder();
        foreach (var ((component, topic), ask) in _backlogs)
        {
            if (await ask(cancellation) is not { } backlog)
                continue;
            var labels = $"app_id=\"{appId}\",component=\"{component}\",topic=\"{topic}\"";
            pending.Append(
                CultureInfo.InvariantCulture,
                $"sidecar_pubsub_pending{{{labels}}} {backlog.Pending}\n"
            );
            if (backlog.Lag is { } lag)
                lags.Append(CultureInfo.InvariantCulture, $"sidecar_pubsub_lag{{{labels}}} {lag}\n");
        }
        if (pending.Length > 0)
            text.Append(
                    "# HELP sidecar_pubsub_pending Events taken from the broker and not yet acknowledged\n"
                )
                .Append("# TYPE sidecar_pubsub_pending gauge\n")
                .Append(pending);
        if (lags.Length > 0)
            text.Append("# HELP sidecar_pubsub_lag Events on the broker that were not yet taken\n")
                .Append("# TYPE sidecar_pubsub_lag gauge\n")
                .Append(lags);
    }

    private void Gauge(StringBuilder text, string name, string help, long value) =>
        text.Append(
            CultureInfo.InvariantCulture,
            $"# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{app_id=\"{appId}\"}} {value}\n"
        );

    private static string StatusOf(HttpContext context)
    {
        var trailers = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers;
        var given = trailers?["grpc-status"].ToString();
        if (string.IsNullOrEmpty(given))
            given = context.Response.Headers["grpc-status"].ToString();
        // A call that ends without a status was broken off.
        return int.TryParse(given, CultureInfo.InvariantCulture, out var code)
            ? ((StatusCode)code).ToString()
            : nameof(StatusCode.Cancelled);
    }
}

/// <summary>What a subscription has before it: events not taken, if the broker tells, and events in
/// hand.</summary>
internal sealed record Backlog(long? Lag, long Pending);
