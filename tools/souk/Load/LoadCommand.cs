using System.CommandLine;
using Spectre.Console;

namespace Souk.Tool.Load;

/// <summary>`souk load FILE`: imports a catalogue through REST, resumable.</summary>
internal static class LoadCommand
{
    // A load shares the machine with the shop: few requests at a time keep it usable meanwhile.
    private const int WorkersDefault = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "products as JSON lines, plain or .gz" };
        var limit = new Option<int>("--limit")
        {
            Description = "stop after so many products of the file",
            DefaultValueFactory = _ => int.MaxValue,
        };
        var workers = new Option<int>("--workers")
        {
            Description = "products in progress at the same time",
            DefaultValueFactory = _ => WorkersDefault,
        };
        var strict = new Option<bool>("--strict") { Description = "fail when any row is refused" };
        var command = new Command("load", "import a catalogue through REST; run it again to go on")
        {
            file,
            limit,
            workers,
            strict,
        };
        command.SetAction(
            async (parsed, cancel) =>
            {
                var options = new LoadOptions(
                    parsed.GetRequiredValue(file),
                    parsed.GetValue(limit),
                    Math.Clamp(parsed.GetValue(workers), 1, 64),
                    parsed.GetValue(strict)
                );
                return await ToolConsole.RunAsync(() => RunAsync(options, cancel));
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(LoadOptions options, CancellationToken cancel)
    {
        if (!options.File.Exists)
            throw new ToolException($"{options.File.FullName} does not exist.");
        var settings = ToolSettings.FromEnvironment();
        var shop = ShopClient.For(settings.ShopUrl, Patience);
        var seller = await shop.LoginAsync(settings.Account("seller"), cancel);
        var moderator = await shop.LoginAsync(settings.Account("operator"), cancel);

        var file = new CatalogueFile(options.File.FullName);
        var folder = Path.Combine(settings.RunFolder, "loads");
        using var memory = LoadMemory.Open(folder, file.Name, seller.UserId);
        var refused = new RefusedRows(Path.Combine(folder, $"{file.Name}.refused.jsonl"));
        var loader = new ProductLoader(shop, seller, moderator, TimeProvider.System);
        var run = new CatalogueLoad(file, loader, memory, refused);

        var counts = await ToolConsole
            .Progress()
            .StartAsync(async progress =>
            {
                var total = Math.Min(await file.CountAsync(cancel), options.Limit);
                var task = progress.AddTask(file.Name, maxValue: Math.Max(total, 1));
                return await run.RunAsync(options, task.Increment, cancel);
            });
        refused.Save();
        Report(counts, refused);
        return options.Strict && refused.Count > 0 ? 1 : 0;
    }

    private static void Report(LoadCounts counts, RefusedRows refused)
    {
        ToolConsole.Line($"{counts.Loaded} loaded, {counts.Known} there already, {refused.Count} refused");
        if (refused.Count == 0)
            return;
        var table = new Table().AddColumn("reason").AddColumn(new TableColumn("rows").RightAligned());
        foreach (var (reason, rows) in refused.ByReason)
            table.AddRow(Markup.Escape(reason), ToolConsole.Number(rows));
        AnsiConsole.Write(table);
        ToolConsole.Line($"line by line: {refused.Path}");
    }
}

/// <summary>What was asked for on the command line.</summary>
internal sealed record LoadOptions(FileInfo File, int Limit, int Workers, bool Strict);
