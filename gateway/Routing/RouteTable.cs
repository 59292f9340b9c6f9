namespace Souk.Gateway.Routing;

/// <summary>
/// Finds the route of a path in one walk over its segments. A literal wins over "*", and that over "**", at
/// the first segment where two templates differ (K27).
/// </summary>
internal sealed class RouteTable<TRoute>
    where TRoute : class
{
    /// <summary>Paths with more segments than this have no route.</summary>
    public const int SegmentsMax = 32;

    /// <summary>The method of a custom rule that takes all of them (google.api.CustomHttpPattern).</summary>
    private const string AnyMethod = "*";

    private static readonly string[] Methods =
    [
        HttpMethods.Delete,
        HttpMethods.Get,
        HttpMethods.Patch,
        HttpMethods.Post,
        HttpMethods.Put,
    ];

    private readonly Node _root = new();

    /// <summary>Two routes for one method and shape of path are a mistake in the contracts.</summary>
    public void Add(string method, PathTemplate template, TRoute route)
    {
        var node = _root;
        foreach (var segment in template.Segments)
            node = node.ChildFor(segment);
        if (!node.Routes.TryAdd((method, template.Verb), route))
            throw new InvalidOperationException($"{method} {template} is mapped twice.");
    }

    /// <summary>The route, and the segments of the path without a custom verb.</summary>
    public TRoute? Find(string method, ReadOnlySpan<char> path, Span<Range> segments, out int count)
    {
        count = Split(path, segments);
        if (count <= 0)
            return null;
        var walk = new Walk(path, segments, method);
        var (colon, last) = LastColon(path, segments[count - 1]);
        if (colon >= 0)
        {
            var whole = segments[count - 1];
            segments[count - 1] = last.Start..colon;
            walk.Verb = path[(colon + 1)..last.End].ToString();
            if (walk.From(_root, 0, count) is { } custom)
                return custom;
            segments[count - 1] = whole;
            walk.Verb = "";
        }
        return walk.From(_root, 0, count);
    }

    /// <summary>The methods that the path has. What can be read has HEAD, too.</summary>
    public IReadOnlyCollection<string> MethodsOf(ReadOnlySpan<char> path)
    {
        var methods = new SortedSet<string>(StringComparer.Ordinal);
        Span<Range> segments = stackalloc Range[SegmentsMax];
        foreach (
            var method in _root.AllMethods().SelectMany(method => method == AnyMethod ? Methods : [method])
        )
        {
            if (Find(method, path, segments, out _) is not null)
                methods.Add(method);
        }
        if (methods.Contains(HttpMethods.Get))
            methods.Add(HttpMethods.Head);
        return methods;
    }

    private static int Split(ReadOnlySpan<char> path, Span<Range> segments)
    {
        if (path.IsEmpty || path[0] != '/')
            return -1;
        var count = 0;
        var start = 1;
        while (count < segments.Length)
        {
            var length = path[start..].IndexOf('/');
            segments[count++] = length < 0 ? start..path.Length : start..(start + length);
            if (length < 0)
                return count;
            start += length + 1;
        }
        return -1;
    }

    private static (int Colon, (int Start, int End) Segment) LastColon(ReadOnlySpan<char> path, Range range)
    {
        var (start, end) = (range.Start.Value, range.End.Value);
        var colon = path[start..end].LastIndexOf(':');
        return (colon < 0 ? -1 : start + colon, (start, end));
    }

    /// <summary>
    /// One search. Backtracks where a literal leads to a dead end that a wildcard does not.
    /// </summary>
    private ref struct Walk(ReadOnlySpan<char> path, ReadOnlySpan<Range> segments, string method)
    {
        private readonly ReadOnlySpan<char> _path = path;
        private readonly ReadOnlySpan<Range> _segments = segments;

        public string Verb { get; set; } = "";

        public readonly TRoute? From(Node node, int depth, int count)
        {
            if (depth == count)
                return Of(node) ?? RestOf(node);
            var segment = _path[_segments[depth]];
            if (node.Literal(segment) is { } literal && From(literal, depth + 1, count) is { } exact)
                return exact;
            if (node.Any is { } any && !segment.IsEmpty && From(any, depth + 1, count) is { } wild)
                return wild;
            return RestOf(node);
        }

        private readonly TRoute? RestOf(Node node) => node.Rest is { } rest ? Of(rest) : null;

        // A rule for the method itself wins over one for all methods.
        private readonly TRoute? Of(Node node) =>
            node.Routes.GetValueOrDefault((method, Verb)) ?? node.Routes.GetValueOrDefault((AnyMethod, Verb));
    }

    private sealed class Node
    {
        private readonly Dictionary<string, Node> _literals = new(StringComparer.Ordinal);

        public Node? Any { get; private set; }
        public Node? Rest { get; private set; }
        public Dictionary<(string Method, string Verb), TRoute> Routes { get; } = [];

        public Node ChildFor(TemplateSegment segment)
        {
            switch (segment.Kind)
            {
                case SegmentKind.Any:
                    return Any ??= new Node();
                case SegmentKind.Rest:
                    return Rest ??= new Node();
                default:
                    if (!_literals.TryGetValue(segment.Text, out var child))
                        _literals.Add(segment.Text, child = new Node());
                    return child;
            }
        }

        public Node? Literal(ReadOnlySpan<char> segment)
        {
            if (_literals.Count == 0)
                return null;
            var decoded = segment.Contains('%') ? Uri.UnescapeDataString(segment).AsSpan() : segment;
            return _literals.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(decoded, out var child)
                ? child
                : null;
        }

        public IEnumerable<string> AllMethods() =>
            Routes
                .Keys.Select(key => key.Method)
                .Concat(Children().SelectMany(child => child.AllMethods()))
                .Distinct(StringComparer.Ordinal);

        private IEnumerable<Node> Children()
        {
            if (Any is not null)
                yield return Any;
            if (Rest is not null)
                yield return Rest;
            foreach (var child in _literals.Values)
                yield return child;
        }
    }
}
