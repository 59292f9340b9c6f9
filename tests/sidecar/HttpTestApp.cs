using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Souk.Tests.Sidecar;

/// <summary>Something that answers HTTP as a test says, and remembers what it was asked.</summary>
internal sealed class HttpTestApp : IAsyncDisposable
{
    private readonly WebApplication _web;

    private HttpTestApp(Func<HttpContext, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Port));
        _web = builder.Build();
        _web.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var headers = context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString());
            Requests.Enqueue(
                new(
                    $"{context.Request.Method} {context.Request.Path}",
                    await reader.ReadToEndAsync(),
                    headers
                )
            );
            await answer(context);
        });
    }

    internal int Port { get; } = TopicApp.FreePort();

    internal ConcurrentQueue<SeenRequest> Requests { get; } = new();

    internal static async Task<HttpTestApp> StartAsync(Func<HttpContext, Task> answer)
    {
        var app = new HttpTestApp(answer);
        await app._web.StartAsync();
        return app;
    }

    public ValueTask DisposeAsync() => _web.DisposeAsync();

    internal sealed record SeenRequest(string Line, string Body, IReadOnlyDictionary<string, string> Headers);
}
