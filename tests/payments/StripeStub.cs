using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Payments;

/// <summary>
/// Stripe as its documentation describes it, as far as we call it: PaymentIntents with manual capture,
/// refunds, one answer per Idempotency-Key, card errors with status 402. It can fail before or after it did
/// its part.
/// </summary>
internal sealed class StripeStub : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, (int Status, string Body)> _answers = new();
    private readonly Lock _gate = new();

    private StripeStub(WebApplication app) => _app = app;

    /// <summary>Intents by id: amount, status, refunded.</summary>
    public ConcurrentDictionary<string, Intent> Intents { get; } = new();

    /// <summary>Answers this status to so many calls before doing anything.</summary>
    public (int Status, int Calls) FailBefore { get; set; }

    /// <summary>Does its part and then breaks the connection, so many times.</summary>
    public int BreakAfter { get; set; }

    /// <summary>Refuses to refund this intent, with this error code, or status and failure reason.</summary>
    public (string IntentId, string Code, bool IsAnswered) RefuseRefunds { get; set; }

    /// <summary>Refuses the next capture for a moment's reason and breaks the look-up that follows.</summary>
    public bool RefuseOnce { get; set; }

    /// <summary>How many requests came.</summary>
    public int Requests { get; private set; }

    public Uri Url => new(_app.Urls.First().TrimEnd('/') + "/");

    public static async Task<StripeStub> StartAsync()
    {
        var builder = Loopback.Builder((0, HttpProtocols.Http1));
        var app = builder.Build();
        var stub = new StripeStub(app);
        app.Run(stub.AnswerAsync);
        await app.StartAsync();
        return stub;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>As if no refund had ever arrived.</summary>
    public void ForgetRefunds()
    {
        lock (_gate)
        {
            foreach (var (id, intent) in Intents)
                Intents[id] = intent with { Refunded = 0 };
            foreach (
                var key in _answers.Where(answer => answer.Value.Body.Contains("\"re_")).Select(a => a.Key)
            )
                _answers.TryRemove(key, out _);
        }
    }

    /// <summary>What the buyer does on Stripe's own page.</summary>
    public void Authenticate(string intentId) =>
        Intents[intentId] = Intents[intentId] with { Status = "requires_capture" };

    private async Task AnswerAsync(HttpContext context)
    {
        var form = context.Request.HasFormContentType
            ? await context.Request.ReadFormAsync()
            : FormCollection.Empty;
        (int Status, string Body) answer;
        lock (_gate)
        {
            Requests++;
            if (FailBefore.Calls > 0)
            {
                FailBefore = (FailBefore.Status, FailBefore.Calls - 1);
                answer = (FailBefore.Status, """{"error":{"type":"api_error"}}""");
            }
            else if (RefuseOnce && context.Request.Path.Value!.EndsWith("/capture", StringComparison.Ordinal))
            {
                RefuseOnce = false;
                FailBefore = (500, 1);
                answer = (400, InvalidRequest("lock_timeout"));
            }
            else if (context.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } key)
            {
                answer = _answers.GetOrAdd(key, _ => Act(context.Request.Path, form));
            }
            else
            {
                answer = Act(context.Request.Path, form);
            }

            if (BreakAfter > 0)
            {
                BreakAfter--;
                context.Abort();
                return;
            }
        }

        context.Response.StatusCode =
            context.Request.Headers.Authorization == "Bearer sk_test" ? answer.Status : 401;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.Body);
    }

    private (int Status, string Body) Act(string path, IFormCollection form)
    {
        var parts = path.Trim('/').Split('/');
        return parts switch
        {
            ["v1", "payment_intents"] => Create(form),
            ["v1", "payment_intents", var id] => Show(id),
            ["v1", "payment_intents", var id, "capture"] => Move(id, "requires_capture", "succeeded"),
            ["v1", "payment_intents", var id, "cancel"] => Move(id, "requires_capture", "canceled"),
            ["v1", "refunds"] => Refund(
                form["payment_intent"].ToString(),
                long.Parse(form["amount"].ToString())
            ),
            _ => (404, InvalidRequest("resource_missing")),
        };
    }

    private (int, string) Create(IFormCollection form)
    {
        var id = $"pi_{Guid.CreateVersion7():N}";
        var token = form["payment_method"].ToString();
        if (token == "pm_declined")
            return (402, CardError("insufficient_funds", id));
        if (token == "pm_unknown")
            return (400, InvalidRequest("resource_missing"));
        var status = token == "pm_3ds" ? "requires_action" : "requires_capture";
        Intents[id] = new Intent(
            long.Parse(form["amount"].ToString()),
            form["currency"].ToString(),
            status,
            0
        );
        return Show(id);
    }

    private static string CardError(string declineCode, string intentId) =>
        new JsonObject
        {
            ["error"] = new JsonObject
            {
                ["type"] = "card_error",
                ["code"] = "card_declined",
                ["decline_code"] = declineCode,
                ["payment_intent"] = new JsonObject { ["id"] = intentId },
            },
        }.ToJsonString();

    private (int, string) Show(string id)
    {
        if (!Intents.TryGetValue(id, out var intent))
            return (404, InvalidRequest("resource_missing"));
        var json = new JsonObject
        {
            ["id"] = id,
            ["object"] = "payment_intent",
            ["amount"] = intent.Amount,
            ["currency"] = intent.Currency,
            ["status"] = intent.Status,
            ["latest_charge"] = new JsonObject
            {
                ["payment_method_details"] = new JsonObject
                {
                    ["card"] = new JsonObject { ["brand"] = "mastercard", ["last4"] = "4444" },
                },
            },
        };
        if (intent.Status == "requires_action")
            json["next_action"] = new JsonObject
            {
                ["redirect_to_url"] = new JsonObject { ["url"] = $"https://hooks.stripe.test/{id}" },
            };
        return (200, json.ToJsonString());
    }

    private (int, string) Move(string id, string from, string to)
    {
        if (
            !Intents.TryGetValue(id, out var intent)
            || (intent.Status != from && intent.Status != "requires_action")
        )
            return (400, InvalidRequest("payment_intent_unexpected_state"));
        Intents[id] = intent with { Status = to };
        return Show(id);
    }

    private (int, string) Refund(string id, long amount)
    {
        var intent = Intents[id];
        if (id == RefuseRefunds.IntentId)
            return RefuseRefunds.IsAnswered
                ? (200, $$"""{"id":"re_2","status":"failed","failure_reason":"{{RefuseRefunds.Code}}"}""")
                : (400, InvalidRequest(RefuseRefunds.Code));
        if (intent.Refunded + amount > intent.Amount)
            return (400, InvalidRequest("charge_already_refunded"));
        Intents[id] = intent with { Refunded = intent.Refunded + amount };
        return (200, """{"id":"re_1","object":"refund","status":"succeeded"}""");
    }

    private static string InvalidRequest(string code) =>
        new JsonObject
        {
            ["error"] = new JsonObject { ["type"] = "invalid_request_error", ["code"] = code },
        }.ToJsonString();

    internal sealed record Intent(long Amount, string Currency, string Status, long Refunded);
}
