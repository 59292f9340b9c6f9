namespace Souk.Tool.Load;

/// <summary>One pass over a file: skips what is done, loads the rest a few lines at a time.</summary>
internal sealed class CatalogueLoad(
    CatalogueFile file,
    ProductLoader loader,
    LoadMemory memory,
    RefusedRows refused
)
{
    private int _loaded;
    private int _known;

    /// <summary>Loads what is not done yet; calls `advance` with 1 for each finished line, from any
    /// thread.</summary>
    public async Task<LoadCounts> RunAsync(
        LoadOptions options,
        Action<double> advance,
        CancellationToken cancel
    )
    {
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = options.Workers,
            CancellationToken = cancel,
        };
        await Parallel.ForEachAsync(
            file.ReadAsync(cancel).Take(options.Limit),
            parallel,
            async (line, stop) =>
            {
                await OneAsync(line, stop);
                advance(1);
            }
        );
        return new LoadCounts(_loaded, _known);
    }

    private async Task OneAsync(CatalogueLine line, CancellationToken cancel)
    {
        if (memory.Has(line))
        {
            Interlocked.Increment(ref _known);
            return;
        }
        if (await loader.LoadAsync(line, cancel) is { } refusal)
        {
            refused.Add(line, refusal);
            return;
        }
        memory.Add(line);
        Interlocked.Increment(ref _loaded);
    }
}

/// <summary>How a pass went, beside what was refused.</summary>
/// <param name="Loaded">Lines brought in by this run.</param>
/// <param name="Known">Lines that an earlier run brought in.</param>
internal sealed record LoadCounts(int Loaded, int Known);
