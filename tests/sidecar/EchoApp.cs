using System.Text.Json;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>What an app was called with.</summary>
internal sealed record Echo(
    string Verb,
    string Target,
    string Body,
    IReadOnlyDictionary<string, string> Headers
);

/// <summary>
/// An app that notes how it is called and repeats it, over HTTP or gRPC. Paths <c>status/NNN</c> answer with
/// that status, as often as <see cref="FailuresLeft"/> says.
/// </summary>
internal sealed class EchoApp : IAsyncDisposable
{
    private readonly LoopbackServer _server;
    private int _calls;

    private EchoApp(bool grpc) =>
        _server = grpc ? OverGrpc() : new(HttpProtocols.Http1, web => web.Run(AnswerAsync));

    internal int Port => _server.Port;

    internal int Calls => _calls;

    /// <summary>Scripted failures that are left; later calls succeed.</summary>
    internal int FailuresLeft { get; set; } = int.MaxValue;

    /// <summary>How long an answer takes.</summary>
    internal Func<Task> Pause { get; set; } = () => Task.CompletedTask;

    /// <summary>What the app's health check says.</summary>
    internal bool IsHealthy { get; set; } = true;

    internal static async Task<EchoApp> StartAsync(bool grpc = false)
    {
        var app = new EchoApp(grpc);
        await app._server.UpAsync();
        return app;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private LoopbackServer OverGrpc() =>
        new(
            HttpProtocols.Http2,
            web =>
            {
                web.MapGrpcService<Callbacks>();
                web.MapGrpcService<HealthAnswers>();
            },
            services =>
            {
                services.AddGrpc(options => options.MaxReceiveMessageSize = 64 * 1024 * 1024);
                services.AddSingleton(new Callbacks(this));
                services.AddSingleton(new HealthAnswers(() => IsHealthy));
            }
        );

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path == "/healthz")
        {
            context.Response.StatusCode = IsHealthy ? 200 : 500;
            return;
        }
        if (path.StartsWith("/dapr/", StringComparison.Ordinal))
        {
            context.Response.StatusCode = 404;
            return;
        }
        Interlocked.Increment(ref _calls);
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        await Pause();
        context.Response.Headers["x-app"] = "yes";
        if (path.StartsWith("/status/", StringComparison.Ordinal) && FailuresLeft-- > 0)
        {
            context.Response.StatusCode = int.Parse(path["/status/".Length..]);
            if (context.Response.StatusCode != 204)
                await context.Response.WriteAsync("scripted");
            return;
        }
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var headers = context.Request.Headers.ToDictionary(
            header => header.Key.ToLowerInvariant(),
            header => header.Value.ToString()
        );
        await context.Response.WriteAsJsonAsync(new Echo(context.Request.Method, target, body, headers));
    }

    private sealed class Callbacks(EchoApp app) : AppCallback.AppCallbackBase
    {
        public override async Task<InvokeResponse> OnInvoke(InvokeRequest request, ServerCallContext context)
        {
            Interlocked.Increment(ref app._calls);
            await app.Pause();
            if (request.Method.StartsWith("status/", StringComparison.Ordinal) && app.FailuresLeft-- > 0)
            {
                var code = (StatusCode)int.Parse(request.Method["status/".Length..]);
                throw new RpcException(new Status(code, "scripted"));
            }
            var echo = new Echo(
                request.HttpExtension?.Verb.ToString() ?? "",
                $"{request.Method}?{request.HttpExtension?.Querystring}",
                request.Data?.Value.ToStringUtf8() ?? "",
                context.RequestHeaders.Where(entry => !entry.IsBinary).ToDictionary(e => e.Key, e => e.Value)
            );
            await context.WriteResponseHeadersAsync(new Metadata { { "x-app", "yes" } });
            return new InvokeResponse
            {
                ContentType = "application/json",
                Data = new Any { Value = ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(echo)) },
            };
        }

        public override Task<ListTopicSubscriptionsResponse> ListTopicSubscriptions(
            Empty request,
            ServerCallContext context
        ) => Task.FromResult(new ListTopicSubscriptionsResponse());
    }
}
