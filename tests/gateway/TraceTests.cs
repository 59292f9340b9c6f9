using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>
/// The gateway's own spans, as a listener of the process gets them, and what the service sees of the trace.
/// </summary>
public sealed class TraceTests
{
    private readonly ConcurrentQueue<Activity> _spans = [];
    private GatewayHarness _gateway = null!;
    private ActivityListener _listener = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        // As a sampler that does what the caller did; who has no parent is sampled.
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Parent == default || options.Parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                    ? ActivitySamplingResult.AllDataAndRecorded
                    : ActivitySamplingResult.None,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
        _gateway = await GatewayHarness.StartAsync(s => s.WithoutRates());
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        _listener.Dispose();
        await _gateway.DisposeAsync();
    }

    [Test]
    [Description("X-25")]
    public async Task GetThing_SampledTrace_HasASpanBetweenTheCallersAndTheServices()
    {
        var caller = Context(ActivityTraceFlags.Recorded);
        var thing = await _gateway.SendAsync("GET", "/api/v1/things/thing_1", null, Header(caller));
        var span = await SpanOfAsync(caller.TraceId);

        Assert.Multiple(() =>
        {
            Assert.That(span.ParentSpanId, Is.EqualTo(caller.SpanId));
            Assert.That(span.Kind, Is.EqualTo(ActivityKind.Server));
            Assert.That(span.DisplayName, Is.EqualTo("GET /api/v1/things/{thing_id}"));
            Assert.That(Tag(span, "http.request.method"), Is.EqualTo("GET"));
            Assert.That(Tag(span, "http.route"), Is.EqualTo("/api/v1/things/{thing_id}"));
            Assert.That(Tag(span, "http.response.status_code"), Is.EqualTo(200));
            Assert.That(Tag(span, "rpc.service"), Is.EqualTo("souk.echo.v1.EchoService"));
            Assert.That(Tag(span, "rpc.method"), Is.EqualTo("GetThing"));
            Assert.That(span.Status, Is.EqualTo(ActivityStatusCode.Unset));
            Assert.That(SeenByTheService(thing), Is.EqualTo(span.Id), "the service's span is its child");
            Assert.That(span.Id, Does.EndWith("-01"));
        });
    }

    [Test]
    [Description("X-25")]
    public async Task GetThing_TraceThatIsNotSampled_GoesOnAsItCame()
    {
        var caller = Context(ActivityTraceFlags.None);
        var header = Header(caller);
        var thing = await _gateway.SendAsync(
            "GET",
            "/api/v1/things/thing_1",
            null,
            header,
            ("tracestate", "vendor=1")
        );

        Assert.That(SeenByTheService(thing), Is.EqualTo(header.Item2));
        Assert.That((string?)thing.Json["metadata"]!["tracestate"], Is.EqualTo("vendor=1"));
        // One that is sampled, and so comes later, is there.
        var later = Context(ActivityTraceFlags.Recorded);
        await _gateway.SendAsync("GET", "/api/v1/things/thing_1", null, Header(later));
        await SpanOfAsync(later.TraceId);
        Assert.That(_spans.Select(span => span.TraceId), Has.None.EqualTo(caller.TraceId));
    }

    [TestCase("")]
    [TestCase("00-zz")]
    [TestCase("00-00000000000000000000000000000000-0000000000000000-01")]
    [Description("X-25")]
    public async Task GetThing_NoTraceThatCanBeRead_BeginsOne(string header)
    {
        (string, string)[] headers =
            header.Length == 0 ? [] : [("traceparent", header), ("tracestate", "vendor=1")];
        var thing = await _gateway.SendAsync("GET", "/api/v1/things/thing_1", null, headers);
        var seen = ActivityContext.Parse(SeenByTheService(thing), null);
        var span = await SpanOfAsync(seen.TraceId);

        Assert.That((span.ParentSpanId, span.SpanId), Is.EqualTo((default(ActivitySpanId), seen.SpanId)));
        Assert.That(thing.Json["metadata"]!["tracestate"], Is.Null);
        Assert.That(thing.Header("X-Request-Id"), Is.EqualTo(seen.TraceId.ToHexString()));
    }

    [TestCase(5, 404, ActivityStatusCode.Unset)]
    [TestCase(14, 503, ActivityStatusCode.Error)]
    [Description("X-25, X-28")]
    public async Task Fail_OfTheServiceOrTheCaller_IsTold(int code, int status, ActivityStatusCode expected)
    {
        var caller = Context(ActivityTraceFlags.Recorded);
        var body = $$"""{"code":{{code}},"reason":"SOME_REASON","message":"secret"}""";
        await _gateway.SendAsync("POST", "/api/v1/fail", body, Header(caller));
        var span = await SpanOfAsync(caller.TraceId);

        Assert.That(Tag(span, "http.response.status_code"), Is.EqualTo(status));
        Assert.That(Tag(span, "error.type"), Is.EqualTo("SOME_REASON"));
        Assert.That(span.Status, Is.EqualTo(expected));
        Assert.That(span.TagObjects.Select(tag => $"{tag.Value}"), Has.None.Contains("secret"));
    }

    [Test]
    [Description("X-25, X-28")]
    public async Task Request_NoRoute_DoesNotPutItsPathIntoTheSpan()
    {
        var caller = Context(ActivityTraceFlags.Recorded);
        await _gateway.SendAsync("GET", "/nowhere/jo@example.com", null, Header(caller));
        var span = await SpanOfAsync(caller.TraceId);

        Assert.That(span.DisplayName, Is.EqualTo("GET -"));
        Assert.That(span.TagObjects.Select(tag => $"{tag.Value}"), Has.None.Contains("example"));
    }

    [Test]
    [Description("X-25")]
    public async Task GetThing_ByGrpc_HasTheSameSpan()
    {
        var caller = Context(ActivityTraceFlags.Recorded);
        var (name, value) = Header(caller);
        using var call = _gateway.Grpc.GetThingAsync(new(), new Metadata { { name, value } });
        var thing = await call;
        var span = await SpanOfAsync(caller.TraceId);

        Assert.That(Tag(span, "rpc.method"), Is.EqualTo("GetThing"));
        Assert.That(Tag(span, "rpc.code"), Is.EqualTo("OK"));
        Assert.That(thing.Metadata["traceparent"], Is.EqualTo(span.Id));
    }

    private static ActivityContext Context(ActivityTraceFlags flags) =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), flags);

    private static (string, string) Header(ActivityContext context)
    {
        var flags = context.TraceFlags == ActivityTraceFlags.Recorded ? "01" : "00";
        return ("traceparent", $"00-{context.TraceId}-{context.SpanId}-{flags}");
    }

    private static object? Tag(Activity span, string name) => span.GetTagItem(name);

    private static string SeenByTheService(Answer thing) => (string)thing.Json["metadata"]!["traceparent"]!;

    // A span ends behind the answer that the client reads.
    private async Task<Activity> SpanOfAsync(ActivityTraceId trace)
    {
        await Eventually.ThatAsync(() => _spans.Any(span => span.TraceId == trace));
        return _spans.First(span => span.TraceId == trace);
    }
}
