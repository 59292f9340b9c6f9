using System.Text.Json;
using Souk.Sidecar.Files;

namespace Souk.Sidecar;

/// <summary>The actor types that an HTTP app says it hosts, at <c>/dapr/config</c>.</summary>
internal static class HostedActors
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Empty when the app does not say, or cannot be asked: most apps know no such path.</summary>
    public static async Task<IReadOnlyList<string>> AskAsync(
        HttpAppChannel http,
        CancellationToken cancellation
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            using var request = http.Request(HttpMethod.Get, "dapr/config");
            using var response = await http.SendAsync(request, limit.Token);
            if (!response.IsSuccessStatusCode)
                return [];
            using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(limit.Token));
            return GoJson.Member(document.RootElement, "entities") is { ValueKind: JsonValueKind.Array } types
                ? [.. types.EnumerateArray().Select(type => type.ToString())]
                : [];
        }
        catch (Exception e)
            when (e is HttpRequestException or JsonException or OperationCanceledException
                && !cancellation.IsCancellationRequested
            )
        {
            // The subscriptions are asked for next: whatever is wrong with the app is told there.
            return [];
        }
    }
}
