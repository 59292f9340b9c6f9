using System.Globalization;
using Dapr;
using Dapr.Client;

namespace Souk.Cart;

/// <summary>Carts in the Dapr state store, changed by compare-and-set on their etags.</summary>
internal sealed class CartStore(
    DaprClient dapr,
    CartSettings settings,
    CartExpiries expiries,
    TimeProvider clock
) : IDependency
{
    private const string StoreName = "cartstore";

    // Who loses lost to one who won, so this many changes of one cart at a time all get in.
    private const int AttemptsMax = 20;

    // Saved lines outlive the cart; the document then lives as long as they do.
    private static readonly TimeSpan SavedLifetime = TimeSpan.FromDays(90);
    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    /// <summary>The service's clock, now.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>A new id in its wire form.</summary>
    public string NewId(string prefix) => Ids.New(prefix, clock);

    /// <summary>The user's cart as of now; an empty one when there is none.</summary>
    public async Task<CartDocument> GetAsync(string userId, CancellationToken cancellationToken) =>
        (await ReadAsync(userId, cancellationToken)).Cart;

    /// <summary>
    /// Changes the user's cart. The change runs again on the newer cart when another was quicker; a change
    /// that returns the very cart it was given writes nothing.
    /// </summary>
    public Task<CartDocument> ChangeAsync(
        string userId,
        Func<CartDocument, CartDocument> change,
        CancellationToken token
    ) => ChangeAsync(userId, change, TrySaveAsync, token);

    /// <summary>As <see cref="ChangeAsync(string, Func{CartDocument, CartDocument}, CancellationToken)"/>; a
    /// cart with nothing worth keeping is deleted.</summary>
    public Task<CartDocument> ForgetAsync(
        string userId,
        Func<CartDocument, CartDocument> change,
        CancellationToken token
    ) =>
        ChangeAsync(
            userId,
            change,
            (cart, etag, cancelled) =>
                cart.IsEmpty && cart.Marks.Count == 0
                    ? dapr.TryDeleteStateAsync(StoreName, Key(userId), etag, FirstWrite, null, cancelled)
                    : TrySaveAsync(cart, etag, cancelled),
            token
        );

    private async Task<CartDocument> ChangeAsync(
        string userId,
        Func<CartDocument, CartDocument> change,
        Func<CartDocument, string, CancellationToken, Task<bool>> tryWrite,
        CancellationToken token
    )
    {
        for (var attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            var (before, etag) = await ReadAsync(userId, token);
            var after = change(before);
            if (ReferenceEquals(after, before))
                return before;
            var now = clock.GetUtcNow();
            after = after with { UpdatedAt = now, ExpiresAt = now + settings.Lifetime };
            var isNew = before.ExpiresAt is null;
            if (isNew)
                await expiries.NoteFirstAsync(after, token);
            if (await tryWrite(after, etag, token))
            {
                if (!isNew)
                    expiries.Note(after);
                return after;
            }

            // Losers of a race step out of each other's way.
            await Task.Delay(Random.Shared.Next(1, 5 * attempt), token);
        }

        throw Fault.VersionConflict("The cart");
    }

    /// <inheritdoc />
    public async Task<bool> AnswersAsync(CancellationToken token)
    {
        try
        {
            await ReadAsync("nobody", token);
            return true;
        }
        catch (DaprException)
        {
            return false;
        }
    }

    // No etag where there is no cart.
    private async Task<(CartDocument Cart, string Etag)> ReadAsync(
        string userId,
        CancellationToken cancellationToken
    )
    {
        var (json, etag) = await dapr.GetByteStateAndETagAsync(
            StoreName,
            Key(userId),
            cancellationToken: cancellationToken
        );
        return json.IsEmpty
            ? (CartDocument.Empty(userId), "")
            : (CartDocument.FromJson(json.Span).AsOf(clock.GetUtcNow()), etag);
    }

    private async Task<bool> TrySaveAsync(CartDocument cart, string etag, CancellationToken cancellationToken)
    {
        var lifetime = cart.SavedItems.Count > 0 ? SavedLifetime : settings.Lifetime;
        var metadata = new Dictionary<string, string>
        {
            ["ttlInSeconds"] = ((long)lifetime.TotalSeconds).ToString(CultureInfo.InvariantCulture),
            ["contentType"] = "application/json",
        };
        if (etag.Length > 0)
            return await dapr.TrySaveByteStateAsync(
                StoreName,
                Key(cart.UserId),
                cart.ToJson(),
                etag,
                FirstWrite,
                metadata,
                cancellationToken
            );
        try
        {
            await dapr.SaveByteStateAsync(
                StoreName,
                Key(cart.UserId),
                cart.ToJson(),
                FirstWrite,
                metadata,
                cancellationToken
            );
            return true;
        }
        catch (DaprException)
        {
            // A lost first write looks like any failure of the store: only another look tells them apart.
            if ((await ReadAsync(cart.UserId, cancellationToken)).Etag.Length > 0)
                return false;
            throw;
        }
    }

    private static string Key(string userId) => $"cart:{userId}";
}
