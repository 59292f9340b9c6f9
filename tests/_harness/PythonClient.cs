using System.Text.Json.Nodes;

namespace Souk.Tests.Harness;

/// <summary>Python's grpcio, from Debian's packages, which belong to Debian's Python alone.</summary>
internal static class PythonClient
{
    private const string Python = "/usr/bin/python3";

    /// <summary>Makes one call, or reads one stream; returns the replies, the error as last.</summary>
    internal static async Task<JsonNode[]> CallAsync(
        string host,
        string service,
        string method,
        string request,
        string? token = null
    )
    {
        var (code, _, _) = await SystemProgram.TryRunAsync(Python, "-c", "import grpc, google.protobuf");
        if (code != 0)
            SystemProgram.Missing(
                "Python's grpcio is missing: apt-get install python3-grpcio python3-protobuf."
            );
        var script = Path.Combine(Repository.Root, "tests", "gateway", "clients", "grpc_client.py");
        string[] arguments = [script, host, service, method, request];
        var output = await SystemProgram.RunAsync(Python, token is null ? arguments : [.. arguments, token]);
        return
        [
            .. output
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonNode.Parse(line)!),
        ];
    }
}
