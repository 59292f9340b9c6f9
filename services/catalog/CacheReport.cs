using Microsoft.Extensions.Logging;

namespace Souk.Catalog;

/// <summary>
/// Says once a minute how well the cache of hot products does (CAT-14), when anybody read at all.
/// </summary>
internal sealed partial class CacheReport(Products products, TimeProvider clock, ILogger<CacheReport> logger)
    : BackgroundJob(TimeSpan.FromMinutes(1), clock, logger)
{
    private readonly ILogger _logger = logger;
    private long _hits;
    private long _misses;

    /// <inheritdoc />
    public override Task<bool> RunOnceAsync(CancellationToken token)
    {
        var hits = products.Hits - _hits;
        var misses = products.Misses - _misses;
        (_hits, _misses) = (_hits + hits, _misses + misses);
        if (hits + misses > 0)
            LogRatio(_logger, 100.0 * hits / (hits + misses), hits, misses);
        return Task.FromResult(false);
    }

    [LoggerMessage(LogLevel.Information, "Product cache: {Ratio:F1} % hits ({Hits} hits, {Misses} misses)")]
    private static partial void LogRatio(ILogger logger, double ratio, long hits, long misses);
}
