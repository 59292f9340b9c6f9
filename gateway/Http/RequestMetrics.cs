using System.Diagnostics;
using System.Diagnostics.Metrics;
using Souk.Shared;

namespace Souk.Gateway.Http;

/// <summary>
/// What is measured of every request, by the route's template and never by the path: paths hold ids
/// and, from strangers, anything.
/// </summary>
internal static class RequestMetrics
{
    private static readonly Histogram<double> Durations = Telemetry.Meter.CreateHistogram<double>(
        "gateway.request.duration",
        "ms",
        "Time from a request's head to the end of its answer"
    );

    private static readonly Histogram<long> Taken = Telemetry.Meter.CreateHistogram<long>(
        "gateway.request.size",
        "By",
        "Bytes of the requests' bodies, where they are said beforehand"
    );

    private static readonly Histogram<long> Given = Telemetry.Meter.CreateHistogram<long>(
        "gateway.response.size",
        "By",
        "Bytes of the answers' bodies, where they are known beforehand: streams are not"
    );

    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

    /// <summary>The method, where it is one of HTTP's: strangers send anything.</summary>
    public static string MethodOf(Exchange exchange) =>
        Methods.Contains(exchange.Context.Request.Method) ? exchange.Context.Request.Method : "other";

    public static void Record(Exchange exchange, double elapsedMs)
    {
        if (!Durations.Enabled)
            return;
        var route = new KeyValuePair<string, object?>("http.route", exchange.Template);
        var method = new KeyValuePair<string, object?>("http.request.method", MethodOf(exchange));
        Durations.Record(
            elapsedMs,
            new TagList
            {
                route,
                method,
                { "http.response.status_code", exchange.Context.Response.StatusCode },
                { "rpc.code", exchange.Code },
            }
        );
        if (exchange.Context.Request.ContentLength is { } taken)
            Taken.Record(taken, route, method);
        if (exchange.Context.Response.ContentLength is { } given)
            Given.Record(given, route, method);
    }
}
