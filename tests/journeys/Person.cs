using System.Text.Json.Nodes;

namespace Souk.Tests.Journeys;

/// <summary>Somebody who is signed in and calls through REST.</summary>
internal sealed class Person
{
    private static readonly TimeSpan TokenAge = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Insistence = TimeSpan.FromMinutes(3);

    private readonly Rest _rest;
    private readonly string _email;
    private readonly string _password;
    private string _token = "";
    private long _signedInAt;

    private Person(Rest rest, string email, string password)
    {
        _rest = rest;
        _email = email;
        _password = password;
    }

    internal string UserId { get; private set; } = "";

    /// <summary>Opens an account and signs in.</summary>
    internal static async Task<Person> RegisterAsync(Rest rest)
    {
        var person = new Person(
            rest,
            $"{Guid.CreateVersion7():N}@souk.example",
            $"Pass {Guid.CreateVersion7():N}"
        );
        var account = new JsonObject
        {
            ["name"] = "Jo Buyer",
            ["email"] = person._email,
            ["password"] = person._password,
        };
        (await rest.SendAsync(Call.Post("/api/v1/users/register", account))).Ok();
        await person.TokenAsync();
        return person;
    }

    /// <summary>Signs in to an account that exists.</summary>
    internal static async Task<Person> LoginAsync(Rest rest, string email, string password)
    {
        var person = new Person(rest, email, password);
        await person.TokenAsync();
        return person;
    }

    /// <summary>The same person after signing in anew, with the roles they have now.</summary>
    internal Task<Person> SignInAgainAsync() => LoginAsync(_rest, _email, _password);

    /// <summary>An access token that is good for some minutes more.</summary>
    internal async Task<string> TokenAsync()
    {
        var isFresh = _token.Length > 0 && TimeProvider.System.GetElapsedTime(_signedInAt) < TokenAge;
        if (isFresh)
            return _token;
        var login = new JsonObject { ["email"] = _email, ["password"] = _password };
        var tokens = (await _rest.SendAsync(Call.Post("/api/v1/users/login", login))).Ok();
        _signedInAt = TimeProvider.System.GetTimestamp();
        UserId = tokens.Text("user_id");
        return _token = tokens.Text("access_token");
    }

    internal async Task<Reply> SendAsync(Call call) =>
        await _rest.SendAsync(call with { Token = await TokenAsync() });

    internal Task<Reply> GetAsync(string path) => SendAsync(Call.Get(path));

    internal Task<Reply> PostAsync(string path, JsonNode? body = null, int wait = 0) =>
        SendAsync(Call.Post(path, body) with { Wait = wait });

    /// <summary>Places an order; null buys the cart.</summary>
    internal Task<Reply> OrderAsync(Goods? goods, string token = "tok_success", int wait = 25) =>
        SendAsync(Orders.Place(goods, token) with { Wait = wait });

    /// <summary>
    /// Makes a call as a patient app does while the shop is in trouble: again, with the same key, until
    /// there is an answer that is not the trouble itself.
    /// </summary>
    internal async Task<Reply> InsistAsync(Call call)
    {
        using var limit = new CancellationTokenSource(Insistence);
        while (true)
        {
            try
            {
                var reply = await SendAsync(call);
                if (reply.Status < 500)
                    return reply;
            }
            catch (Exception trouble)
                when (trouble is HttpRequestException or TaskCanceledException
                    && !limit.IsCancellationRequested
                )
            {
                // The connection broke; nobody knows what came of the call.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, limit.Token);
        }
    }

    /// <summary>The order as it is now.</summary>
    internal async Task<Reply> GetOrderAsync(string orderId) =>
        (await GetAsync($"/api/v1/orders/{orderId}")).Ok();

    internal Task<Reply> AddToCartAsync(Goods goods, int quantity = 1) =>
        PostAsync("/api/v1/cart/items", new JsonObject { ["sku"] = goods.Sku, ["quantity"] = quantity });
}

/// <summary>Something on sale.</summary>
internal sealed record Goods(string ProductId, string Sku);

/// <summary>Orders as they are asked for.</summary>
internal static class Orders
{
    internal const string Path = "/api/v1/orders";

    /// <summary>An order of one unit, or of the cart, by card or "cod".</summary>
    internal static Call Place(Goods? goods, string token = "tok_success") =>
        Call.Post(Path, Body(goods, token));

    internal static JsonObject Body(Goods? goods, string token = "tok_success")
    {
        var body = new JsonObject
        {
            ["shipping_address"] = Address(),
            ["payment_method"] =
                token == "cod"
                    ? new JsonObject { ["type"] = "cod" }
                    : new JsonObject { ["type"] = "card", ["token"] = token },
        };
        if (goods is not null)
        {
            body["items"] = new JsonArray(
                new JsonObject
                {
                    ["product_id"] = goods.ProductId,
                    ["sku"] = goods.Sku,
                    ["quantity"] = 1,
                }
            );
        }
        return body;
    }

    internal static JsonObject Address() =>
        new()
        {
            ["name"] = "Jo Buyer",
            ["line1"] = "1 Main Street",
            ["city"] = "Springfield",
            ["region"] = "IL",
            ["postal_code"] = "62701",
            ["country"] = "US",
        };
}
