using Grpc.Core;
using Souk.Catalog.V1;

namespace Souk.Catalog;

/// <summary>Everything that is wrong with a product, so that a seller mends it in one go.</summary>
internal sealed class Findings
{
    private const int ViolationsMax = 20;

    private readonly List<Violation> _invalid = [];
    private readonly List<Violation> _duplicates = [];

    internal void Add(string field, string? problem)
    {
        if (problem is not null && _invalid.Count < ViolationsMax)
            _invalid.Add(new Violation(field, problem));
    }

    internal void AddDuplicate(string field, string problem)
    {
        if (_duplicates.Count < ViolationsMax)
            _duplicates.Add(new Violation(field, problem));
    }

    /// <summary>
    /// Reads an amount in a currency that its surroundings name; notes what is wrong with it. A caller knows
    /// the amount as a plain number, so the number's own problem is the field's.
    /// </summary>
    internal Money? ReadAmount(Souk.Type.Money sent, string field, Currency currency)
    {
        try
        {
            return Money.FromProto(sent, field, currency);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.InvalidArgument)
        {
            foreach (var (part, problem) in Fault.ViolationsOf(e))
                Add(part == $"{field}.amount" ? field : part, problem);
            return null;
        }
    }

    internal void ThrowIfAny()
    {
        if (_invalid.Count > 0)
            throw Fault.InvalidArgument(Souk.Type.Reason.InvalidField, _invalid);
        if (_duplicates.Count > 0)
            throw Fault.InvalidArgument(Reason.DuplicateVariant, _duplicates);
    }
}
