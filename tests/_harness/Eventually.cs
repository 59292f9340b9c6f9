using System.Runtime.CompilerServices;

namespace Souk.Tests.Harness;

/// <summary>Waits for what others do in their own time: services, processes, other threads.</summary>
internal static class Eventually
{
    // Enough on a machine that stalls.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(10);
    private static readonly AsyncLocal<Task[]?> Watched = new();

    /// <summary>
    /// Work that runs beside the test. From here to the end of the calling method every wait fails as this
    /// work does, at once, instead of waiting for what will not come any more.
    /// </summary>
    internal static TTask Watch<TTask>(TTask work)
        where TTask : Task
    {
        Watched.Value = [.. Watched.Value ?? [], work];
        return work;
    }

    /// <summary>Returns once the condition holds; fails when it never does.</summary>
    /// <param name="what">What is waited for.</param>
    internal static Task ThatAsync(
        Func<bool> condition,
        [CallerArgumentExpression(nameof(condition))] string what = ""
    ) => ThatAsync(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="ThatAsync(Func{bool},string)"/>
    internal static async Task ThatAsync(
        Func<Task<bool>> condition,
        [CallerArgumentExpression(nameof(condition))] string what = ""
    )
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            foreach (var work in Watched.Value ?? [])
            {
                if (work.IsFaulted)
                    await work;
            }
            if (limit.IsCancellationRequested)
                Assert.Fail($"still waiting for {what}");
            await Task.Delay(LookAgain);
        }
    }
}
