using Souk.Gateway.Routing;

namespace Souk.Gateway.OpenApi;

/// <summary>
/// A wildcard of a template: its name in the document, the variable that it belongs to, and that variable's
/// pattern where it is more than the one wildcard.
/// </summary>
internal sealed record PathWildcard(string Name, PathVariable? Variable, string Pattern, int Segment);

/// <summary>A route's path as the document writes it, every wildcard with a name in braces.</summary>
internal static class PathText
{
    public static string Of(Route route)
    {
        var wildcards = WildcardsOf(route).ToDictionary(part => part.Segment);
        var parts = route.Template.Segments.Select(
            (segment, at) => wildcards.TryGetValue(at, out var part) ? $"{{{part.Name}}}" : segment.Text
        );
        var verb = route.Template.Verb.Length > 0 ? $":{route.Template.Verb}" : "";
        return $"/{string.Join('/', parts)}{verb}";
    }

    public static IEnumerable<PathWildcard> WildcardsOf(Route route)
    {
        var segments = route.Template.Segments;
        var count = 0;
        for (var at = 0; at < segments.Count; at++)
        {
            if (segments[at].Kind == SegmentKind.Literal)
                continue;
            count++;
            var variable = Array.Find(route.Variables, known => Covers(known, at, segments.Count));
            if (variable is null)
                yield return new PathWildcard($"part_{count}", null, "", at);
            else if (EndOf(variable, segments.Count) - variable.Start == 1)
                yield return new PathWildcard(variable.Field.Name, variable, "", at);
            else
                yield return new PathWildcard(
                    $"{variable.Field.Name}_{count}",
                    variable,
                    PatternOf(variable, segments),
                    at
                );
        }
    }

    private static bool Covers(PathVariable variable, int at, int count) =>
        at >= variable.Start && at < EndOf(variable, count);

    // Behind a "**" a variable has no end of its own.
    private static int EndOf(PathVariable variable, int count) => variable.End < 0 ? count : variable.End;

    private static string PatternOf(PathVariable variable, List<TemplateSegment> segments) =>
        string.Join(
            '/',
            segments[variable.Start..EndOf(variable, segments.Count)]
                .Select(segment =>
                    segment.Kind switch
                    {
                        SegmentKind.Literal => segment.Text,
                        SegmentKind.Any => "*",
                        _ => "**",
                    }
                )
        );
}
