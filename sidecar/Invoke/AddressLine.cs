using System.Net;

namespace Souk.Sidecar.Invoke;

/// <summary>
/// To an address: an endpoint outside of Dapr, or another process's sidecar, which speaks HTTP/2 without TLS.
/// </summary>
internal sealed class AddressLine(string baseAddress, HttpMessageInvoker invoker, Version version)
    : IInvokeLine
{
    /// <summary>What an HTTPEndpoint resource adds to each request.</summary>
    public IReadOnlyDictionary<string, string> ExtraHeaders { get; init; } =
        new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    public bool NeedsWholeBody => false;

    public ValueTask<AppChannel.Place> EnterAsync(CancellationToken cancellation) => default;

    public async Task<HttpResponseMessage> SendAsync(InvokeMessage message, CancellationToken cancellation)
    {
        if (!Uri.TryCreate($"{baseAddress}/{message.PathAndQuery}", AsGiven, out var address))
            throw new HttpRequestException($"{baseAddress} is not an address");
        using var request = new HttpRequestMessage(new HttpMethod(message.Verb), address)
        {
            Version = version,
            VersionPolicy =
                version == HttpVersion.Version20
                    ? HttpVersionPolicy.RequestVersionExact
                    : HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Fill(request);
        foreach (var (name, value) in ExtraHeaders)
            request.Headers.TryAddWithoutValidation(name, value);
        return await invoker.SendAsync(request, cancellation);
    }

    private static readonly UriCreationOptions AsGiven = new()
    {
        DangerousDisablePathAndQueryCanonicalization = true,
    };
}
