using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Tool.Demo;

/// <summary>A product as the customer sees it on the shelf: its first variant.</summary>
internal sealed record ShelfItem(string ProductId, string Sku, string Name, string Currency, decimal Price)
{
    /// <summary>Null when the product has nothing to buy.</summary>
    public static ShelfItem? Of(JsonNode? product)
    {
        if (product?["variants"]?[0] is not { } variant || product["price"] is not { } price)
            return null;
        return new ShelfItem(
            product["product_id"].AsText(),
            variant["sku"].AsText(),
            product["name"].AsText(),
            price["currency"].AsText(),
            (variant["price"] ?? price["amount"]).AsAmount()
        );
    }

    public JsonObject Line(int quantity) =>
        new()
        {
            ["product_id"] = ProductId,
            ["sku"] = Sku,
            ["quantity"] = quantity,
        };
}

/// <summary>Reads members of answers; a missing one ends the demo, as the contract promises them.</summary>
internal static class JsonReading
{
    public static string AsText(this JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.String
            ? value.GetValue<string>()
            : "";

    /// <summary>An exact decimal: the gateway writes amounts as plain numbers.</summary>
    public static decimal AsAmount(this JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<decimal>(out var amount)
            ? amount
            : throw new ToolException(
                $"An amount is missing in the answer, or is not a number: {node?.ToJsonString()}"
            );

    /// <summary>A whole number, written as a number or, as proto JSON has 64 bits, as text.</summary>
    public static long AsLong(this JsonNode? node) =>
        node switch
        {
            JsonValue value when value.TryGetValue<long>(out var number) => number,
            JsonValue value
                when long.TryParse(value.AsText(), CultureInfo.InvariantCulture, out var number) => number,
            _ => throw new ToolException(
                $"A count is missing in the answer, or is not a number: {node?.ToJsonString()}"
            ),
        };
}
