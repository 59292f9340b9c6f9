using System.Security.Cryptography;
using System.Text;
using Souk.Cart.V1;

namespace Souk.Cart;

/// <summary>Something that was done to a cart and must not happen twice.</summary>
/// <param name="What">A request, an order or a hand-over, with its id.</param>
/// <param name="Body">A request's content, hashed; empty for the others.</param>
internal sealed record Mark(string What, string Body, DateTimeOffset At);

/// <summary>
/// What was done to a cart, kept in the cart and so written with the change itself. A record of its own would
/// need a transaction over two keys, and Redis has none that rolls back: a lost race for the cart would leave
/// the record of a change that never was.
/// </summary>
internal static class Marks
{
    /// <summary>How long a mark is kept at least .</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    /// <summary>Most requests that a cart remembers; there is room for more when the oldest has had its
    /// time.</summary>
    public const int RequestsMax = 500;

    // Orders and hand-overs are repeated within minutes, by a workflow or a sign-in.
    private const int OthersMax = 100;
    private const int HashChars = 16;

    /// <summary>The mark of a request.</summary>
    public static Mark Of(Guid requestId, AddCartItemRequest request, DateTimeOffset now) =>
        new($"add {requestId:N}", Hash($"{request.Sku} {request.Quantity} {request.ProductId}"), now);

    /// <summary>The mark of an order whose units were taken out.</summary>
    public static Mark OfOrder(string orderId, DateTimeOffset now) => new($"order {orderId}", "", now);

    /// <summary>The mark of a guest's lines that came in.</summary>
    public static Mark OfHandOver(string handOverId, DateTimeOffset now) =>
        new($"merge {handOverId}", "", now);

    /// <summary>
    /// Whether this was done to the cart before. ABORTED/IDEMPOTENCY_MISMATCH when it was, with another body.
    /// </summary>
    public static bool Has(CartDocument cart, Mark mark)
    {
        if (cart.Marks.FirstOrDefault(known => known.What == mark.What) is not { } before)
            return false;
        return before.Body == mark.Body
            ? true
            : throw Fault.Aborted(
                Type.Reason.IdempotencyMismatch,
                "The Idempotency-Key was used before with another item."
            );
    }

    /// <summary>
    /// Remembers, in the same write, that this was done. RESOURCE_EXHAUSTED/RATE_LIMITED for a request too
    /// many: to forget an older one in its place would break the promise made to it.
    /// </summary>
    public static CartDocument Put(CartDocument cart, Mark mark)
    {
        var fresh = cart.Marks.Where(known => known.At + Lifetime > mark.At).ToLookup(IsRequest);
        var (requests, others) = (fresh[true].ToList(), fresh[false]);
        if (IsRequest(mark) && requests.Count >= RequestsMax)
            throw Fault.ResourceExhausted(
                Type.Reason.RateLimited,
                $"A cart takes at most {RequestsMax} changes with an Idempotency-Key a day.",
                requests[0].At + Lifetime - mark.At
            );
        return cart with { Marks = [.. requests, .. others.TakeLast(OthersMax - 1), mark] };
    }

    private static bool IsRequest(Mark mark) => mark.Body.Length > 0;

    private static string Hash(string text) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..HashChars];
}
