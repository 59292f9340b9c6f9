namespace Souk.Gateway.Grpc;

/// <summary>
/// Metadata of a service's answer on its way to the client. The protocol's own headers are the gateway's to
/// write.
/// </summary>
internal static class PassedMetadata
{
    private static readonly string[] Own = ["grpc-", "dapr-", "content-", "x-request-id"];

    public static void Leading(IEnumerable<KeyValuePair<string, string>> metadata, HttpContext context)
    {
        if (context.Response.HasStarted)
            return;
        foreach (var (name, value) in metadata)
        {
            if (IsPassed(name))
                context.Response.Headers.Append(name, value);
        }
    }

    public static void Trailing(IEnumerable<KeyValuePair<string, string>> metadata, HttpContext context)
    {
        foreach (var (name, value) in metadata)
        {
            if (IsPassed(name))
                context.Response.AppendTrailer(name, value);
        }
    }

    private static bool IsPassed(string name) =>
        name is not ("date" or "Date" or "server" or "Server")
        && !Array.Exists(Own, own => name.StartsWith(own, StringComparison.OrdinalIgnoreCase));
}
