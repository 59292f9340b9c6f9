using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>Something that answers HTTP as a test says, and remembers what it was asked.</summary>
internal sealed class HttpTestApp : IAsyncDisposable
{
    private readonly LoopbackServer _server;
    private readonly Func<HttpContext, Task> _answer;

    private HttpTestApp(Func<HttpContext, Task> answer)
    {
        _answer = answer;
        _server = new(HttpProtocols.Http1, web => web.Run(AnswerAsync));
    }

    internal int Port => _server.Port;

    internal ConcurrentQueue<SeenRequest> Requests { get; } = new();

    internal static async Task<HttpTestApp> StartAsync(Func<HttpContext, Task> answer)
    {
        var app = new HttpTestApp(answer);
        await app._server.UpAsync();
        return app;
    }

    /// <summary>An app that has one path: there it answers 200, elsewhere 404.</summary>
    internal static Task<HttpTestApp> OnlyAsync(string path) =>
        StartAsync(context =>
        {
            context.Response.StatusCode = context.Request.Path == path ? 200 : 404;
            return Task.CompletedTask;
        });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var headers = context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString());
        Requests.Enqueue(
            new($"{context.Request.Method} {context.Request.Path}", await reader.ReadToEndAsync(), headers)
        );
        await _answer(context);
    }

    internal sealed record SeenRequest(string Line, string Body, IReadOnlyDictionary<string, string> Headers);
}
