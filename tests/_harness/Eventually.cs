using System.Runtime.CompilerServices;

namespace Souk.Tests.Harness;

/// <summary>Waits for what others do in their own time: services, processes, other threads.</summary>
internal static class Eventually
{
    // Enough on a machine that stalls.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(10);

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
            if (limit.IsCancellationRequested)
                Assert.Fail($"still waiting for {what}");
            await Task.Delay(LookAgain);
        }
    }
}
