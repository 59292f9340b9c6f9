using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Souk.Sidecar.Files;

/// <summary>
/// A YAML parser that refuses deep nesting: nodes are read recursively, and a file must not be able to
/// exhaust the stack.
/// </summary>
internal sealed class BoundedYaml(IParser inner) : IParser
{
    private const int DepthMax = 64;

    private int _depth;

    public ParsingEvent? Current => inner.Current;

    public bool MoveNext()
    {
        if (!inner.MoveNext())
            return false;
        _depth += Current?.NestingIncrease ?? 0;
        return _depth <= DepthMax || Current is not { } here
            ? true
            : throw new YamlException(here.Start, here.End, $"nested more than {DepthMax} levels deep");
    }
}
