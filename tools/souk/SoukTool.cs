using System.CommandLine;
using Souk.Tool.DataSets;
using Souk.Tool.Demo;
using Souk.Tool.Load;

namespace Souk.Tool;

/// <summary>The `souk` command line: fills a shop, buys in it for show, converts public data sets.</summary>
internal static class SoukTool
{
    public static Task<int> Main(string[] args)
    {
        ToolConsole.Adapt();
        var root = new RootCommand("Fills a Souk shop, buys in it for show, converts public data sets.")
        {
            LoadCommand.Create(),
            DemoCommand.Create(),
            ConvertCommand.Create(),
        };
        return root.Parse(args).InvokeAsync();
    }
}
