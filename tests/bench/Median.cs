namespace Souk.Bench;

/// <summary>The middle of what some rounds showed: one that the machine spoilt moves it little.</summary>
internal static class Median
{
    public static double Of<T>(IEnumerable<T> rounds, Func<T, double> figure)
    {
        var sorted = rounds.Select(figure).Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
