using System.Text.Json;

namespace Souk.Gateway.Transcoding;

/// <summary>souk.type.Money, whose JSON is an exact decimal and never a floating point number.</summary>
internal ref partial struct JsonToWire
{
    private const byte CurrencyTag = (1 << 3) | (byte)WireType.Length;
    private const byte MinorUnitsTag = 2 << 3;

    /// <summary>{"currency": "USD", "amount": 999.99}, the amount as a number or a text.</summary>
    private void Money()
    {
        if (_json.TokenType != JsonTokenType.StartObject)
            throw Invalid("must be an object with currency and amount");
        ReadOnlySpan<byte> currency = default;
        ReadOnlySpan<byte> amount = default;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var isCurrency = _json.ValueTextEquals("currency"u8);
            if (!isCurrency && !_json.ValueTextEquals("amount"u8))
                throw BadRequestException.Unknown(_trail.PathTo(FieldTrail.Shorten(TextOf())));
            _json.Read();
            if (isCurrency ? !currency.IsEmpty : !amount.IsEmpty)
                throw Invalid("is given twice", isCurrency ? "currency" : "amount");
            if (isCurrency)
                currency = CurrencyText();
            else
                amount = AmountText("amount");
        }
        if (currency.IsEmpty)
            throw Invalid("must be an ISO 4217 code such as USD", "currency");
        if (amount.IsEmpty)
            throw Invalid("must be a number such as 999.99", "amount");
        WriteMoney(currency, amount);
    }

    private readonly void WriteMoney(ReadOnlySpan<byte> currency, ReadOnlySpan<byte> amount)
    {
        if (Currencies.ExponentOf(currency) is not { } exponent)
            throw Invalid("must be an ISO 4217 code such as USD", "currency");
        if (
            !DecimalText.TryScale(amount, exponent, out var minor)
            || minor < long.MinValue
            || minor > long.MaxValue
        )
            throw Invalid($"must fit and have at most {exponent} decimals", "amount");
        _wire.Varint(CurrencyTag);
        _wire.Bytes(currency);
        _wire.Varint(MinorUnitsTag);
        _wire.Varint(unchecked((ulong)(long)minor));
    }

    /// <summary>A bare number, in a currency that the service knows from the context.</summary>
    private void PlainAmount()
    {
        var amount = AmountText("");
        if (!Currencies.TryWriteAmount(amount, _wire))
            throw Invalid("must be a number such as 999.99 with at most 4 decimals");
    }

    private readonly ReadOnlySpan<byte> CurrencyText() =>
        _json.TokenType == JsonTokenType.String
            ? _json.ValueSpan
            : throw Invalid("must be a text", "currency");

    private readonly ReadOnlySpan<byte> AmountText(string name) =>
        _json.TokenType is JsonTokenType.Number or JsonTokenType.String
        && DecimalText.IsNumber(_json.ValueSpan)
            ? _json.ValueSpan
            : throw Invalid("must be a number such as 999.99", name);
}
