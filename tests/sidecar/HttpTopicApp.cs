using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>A POST that an app got from its sidecar.</summary>
internal sealed record HttpDelivery(
    string Path,
    IReadOnlyDictionary<string, string> Headers,
    JsonElement Body
)
{
    internal JsonElement this[string member] => Body.GetProperty(member);

    /// <summary>The answer that takes each entry of a bulk.</summary>
    internal string AllTaken()
    {
        var statuses = this["entries"]
            .EnumerateArray()
            .Select(entry =>
                $$"""{"entryId":"{{entry.GetProperty("entryId").GetString()}}","status":"SUCCESS"}"""
            );
        return $$"""{"statuses":[{{string.Join(',', statuses)}}]}""";
    }
}

/// <summary>
/// An HTTP app that lists its subscriptions, notes what it gets, and answers as the test says. It can go down
/// and come back.
/// </summary>
internal sealed class HttpTopicApp : IAsyncDisposable
{
    private readonly ConcurrentQueue<HttpDelivery> _deliveries = new();
    private readonly LoopbackServer _server;

    internal HttpTopicApp() =>
        _server = new(
            HttpProtocols.Http1,
            web =>
            {
                web.MapGet("/dapr/subscribe", SubscribeAsync);
                web.MapPost("/{**path}", TakeAsync);
            }
        );

    internal int Port => _server.Port;

    /// <summary>What GET /dapr/subscribe answers.</summary>
    internal (int Status, string Body) Subscriptions { get; set; } = (404, "");

    /// <summary>How often it was asked for them.</summary>
    internal int Asked { get; private set; }

    /// <summary>What the app answers; by default it takes everything.</summary>
    internal Func<HttpDelivery, (int Status, string Body)> Answer { get; set; } = _ => (200, "");

    internal IReadOnlyList<HttpDelivery> Deliveries => [.. _deliveries];

    internal static async Task<HttpTopicApp> StartAsync(string subscriptions)
    {
        var app = new HttpTopicApp { Subscriptions = (200, subscriptions) };
        await app.UpAsync();
        return app;
    }

    internal Task UpAsync() => _server.UpAsync();

    internal Task DownAsync() => _server.DownAsync();

    internal async Task<IReadOnlyList<HttpDelivery>> UntilAsync(
        int count,
        Func<HttpDelivery, bool>? fits = null
    )
    {
        IReadOnlyList<HttpDelivery> Fitting() => [.. Deliveries.Where(item => fits is null || fits(item))];
        await Eventually.ThatAsync(() => Fitting().Count >= count, $"{count} deliveries");
        return Fitting();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private Task SubscribeAsync(HttpContext context)
    {
        Asked++;
        return AnswerAsync(context, Subscriptions);
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var document = await JsonDocument.ParseAsync(context.Request.Body);
        var headers = context.Request.Headers.ToDictionary(
            header => header.Key,
            header => header.Value.ToString(),
            StringComparer.OrdinalIgnoreCase
        );
        var delivery = new HttpDelivery(context.Request.Path, headers, document.RootElement.Clone());
        _deliveries.Enqueue(delivery);
        await AnswerAsync(context, Answer(delivery));
    }

    private static Task AnswerAsync(HttpContext context, (int Status, string Body) answer)
    {
        context.Response.StatusCode = answer.Status;
        return context.Response.WriteAsync(answer.Body);
    }
}
