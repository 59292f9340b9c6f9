using System.Text.Json;
using System.Text.Json.Serialization;

namespace Souk.Cart;

/// <summary>A cart as the state store keeps it at "cart:{user_id}" (CART-07). A value: changes make a new
/// one.</summary>
internal sealed record CartDocument
{
    public required string UserId { get; init; }

    public IReadOnlyList<CartLine> Items { get; init; } = [];

    public IReadOnlyList<string> Coupons { get; init; } = [];

    /// <summary>Lines kept for later; they outlive the rest (CART-09).</summary>
    public IReadOnlyList<CartLine> SavedItems { get; init; } = [];

    public DateTimeOffset? UpdatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What was done to the cart already.</summary>
    public IReadOnlyList<Mark> Marks { get; init; } = [];

    /// <summary>Of a guest's cart: what is on its way into a buyer's, and no longer in this one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HandOver? Leaving { get; init; }

    /// <summary>Currency of the lines; empty while there are none.</summary>
    [JsonIgnore]
    public string Currency => Items.Count > 0 ? Items[0].Currency : "";

    /// <summary>An empty cart.</summary>
    public static CartDocument Empty(string userId) => new() { UserId = userId };

    /// <summary>The cart as of an instant: once it has ended only the saved lines are left.</summary>
    public CartDocument AsOf(DateTimeOffset now) =>
        ExpiresAt is { } end && end <= now
            ? Empty(UserId) with
            {
                SavedItems = SavedItems,
                Marks = Marks,
                Leaving = Leaving,
            }
            : this;

    /// <summary>Whether there is anything worth keeping.</summary>
    [JsonIgnore]
    public bool IsEmpty => Items.Count == 0 && SavedItems.Count == 0 && Coupons.Count == 0;

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, CartJson.Default.CartDocument);

    public static CartDocument FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, CartJson.Default.CartDocument)
        ?? throw new InvalidOperationException("A stored cart is null.");
}

/// <summary>A line. The price is a plain number, as the documents have it; exact, never a float.</summary>
internal sealed record CartLine(
    string ItemId,
    string ProductId,
    string Sku,
    int Quantity,
    decimal Price,
    string Currency,
    string SellerId,
    DateTimeOffset AddedAt,
    string Name
);

[JsonSerializable(typeof(CartDocument))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class CartJson : JsonSerializerContext;
