using ProtoMoney = Souk.Type.Money;

namespace Souk.Shared;

/// <summary>Between the wire's souk.type.Money and <see cref="Money"/>.</summary>
public readonly partial record struct Money
{
    /// <summary>The wire form.</summary>
    public ProtoMoney ToProto() => new() { Currency = Currency.Code, MinorUnits = Minor };

    /// <summary>
    /// Reads the wire form. Decimal text, which the gateway sends for a plain JSON number, is resolved here;
    /// a currency that is not named is the context's. INVALID_ARGUMENT for an unknown or another currency, or
    /// too many decimals.
    /// </summary>
    /// <param name="context">The currency that the surroundings imply; null accepts any named one.</param>
    public static Money FromProto(ProtoMoney? money, string field, Currency? context = null)
    {
        if (money is null)
            throw Fault.InvalidArgument(Souk.Type.Reason.FieldRequired, field, "is required");
        var currency =
            money.Currency.Length > 0
                ? Currency.Parse(money.Currency, $"{field}.currency")
                : context ?? throw Fault.InvalidArgument($"{field}.currency", "is required");
        if (context is not null && currency != context)
            throw Fault.InvalidArgument($"{field}.currency", $"must be {context.Code} here");
        if (money.Amount.Length == 0)
            return new Money(money.MinorUnits, currency);
        if (money.MinorUnits != 0)
            throw Fault.InvalidArgument(field, "must have amount or minor_units, not both");
        return TryParse(money.Amount, currency, out var parsed)
            ? parsed
            : throw Fault.InvalidArgument(
                $"{field}.amount",
                $"must be a decimal number with at most {currency.Exponent} decimals"
            );
    }
}
