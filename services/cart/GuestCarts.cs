using Souk.Options.V1;

namespace Souk.Cart;

/// <summary>A guest's lines on their way into a buyer's cart.</summary>
/// <param name="Id">Names this hand-over in the buyer's marks.</param>
/// <param name="ToUserId">Who gets them, whoever finishes the hand-over.</param>
internal sealed record HandOver(string Id, string ToUserId, CartDocument Cart);

/// <summary>
/// Moves a guest's cart into a buyer's, though no write covers both: the guest's lines are first set aside
/// for that buyer, in the guest's document, then put into the buyer's cart under the hand-over's mark, then
/// forgotten. Each step is a compare-and-set and harmless when repeated, so a move that was cut off is
/// finished by the next one, and what a guest adds meanwhile stays in the guest's cart.
/// </summary>
internal sealed class GuestCarts(CartStore carts, TokenVerifier tokens)
{
    private const string HandOverPrefix = "move";

    // A hand-over to somebody else that was cut off, and the caller's own.
    private const int HandOversMax = 2;

    /// <summary>Moves to the buyer what the guest has who holds this token; the buyer's cart.</summary>
    public async Task<CartDocument> MoveAsync(string guestToken, string buyerId, CancellationToken token)
    {
        var caller = await tokens.VerifyAsync(guestToken, token);
        if (!caller.Has(Role.Guest))
            throw Fault.Unauthenticated(Type.Reason.TokenInvalid, "The token is not a guest's.");
        var guestId = caller.UserId;
        for (var i = 0; i < HandOversMax; i++)
        {
            var id = carts.NewId(HandOverPrefix);
            var guest = await carts.ChangeAsync(guestId, cart => SetAside(cart, id, buyerId), token);
            if (guest.Leaving is not { } leaving)
                break;
            await carts.ChangeAsync(leaving.ToUserId, cart => TakeOver(cart, leaving, carts.Now), token);
            await carts.ForgetAsync(guestId, cart => Forget(cart, leaving.Id), token);
            if (leaving.ToUserId == buyerId)
                break;
        }
        return await carts.GetAsync(buyerId, token);
    }

    /// <summary>Sets all lines and coupons aside, unless some are set aside already.</summary>
    internal static CartDocument SetAside(CartDocument guest, string id, string buyerId) =>
        guest.Leaving is not null || guest.IsEmpty
            ? guest
            : CartDocument.Empty(guest.UserId) with
            {
                Marks = guest.Marks,
                Leaving = new HandOver(id, buyerId, guest with { Marks = [] }),
            };

    private static CartDocument TakeOver(CartDocument buyer, HandOver leaving, DateTimeOffset now)
    {
        var mark = Marks.OfHandOver(leaving.Id, now);
        return Marks.Has(buyer, mark) ? buyer : Marks.Put(CartChanges.Merge(buyer, leaving.Cart), mark);
    }

    private static CartDocument Forget(CartDocument guest, string id) =>
        guest.Leaving?.Id == id ? guest with { Leaving = null } : guest;
}
