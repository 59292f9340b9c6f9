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

    /// <summary>Reads a value whose reader throws INVALID_ARGUMENT; notes what it complains about.</summary>
    internal T? Read<T>(Func<T> read)
        where T : struct
    {
        try
        {
            return read();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.InvalidArgument)
        {
            foreach (var (field, problem) in Fault.ViolationsOf(e))
                Add(field, problem);
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
