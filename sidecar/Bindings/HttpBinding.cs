using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Souk.Sidecar.Components;
using Souk.Sidecar.Processes;

namespace Souk.Sidecar.Bindings;

/// <summary><c>bindings.http</c>: one address, the verbs of HTTP as operations.</summary>
internal sealed class HttpBinding : IOutputBinding, IAsyncDisposable
{
    private const int ResponseBytesMaxDefault = 100 * 1024 * 1024;

    private readonly string _url;
    private readonly bool _failsUnless2xx;
    private readonly (string Header, string Token)? _token;
    private readonly HttpClient _http;

    public HttpBinding(ComponentSpec spec)
    {
        _url = spec.Required("url");
        if (!Uri.TryCreate(_url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw spec.Error("url", $"must be an http or https address, not '{_url}'");
        _failsUnless2xx = spec.Text("errorIfNot2XX") is null || spec.Flag("errorIfNot2XX");
        var (header, token) = (spec.Text("securityTokenHeader"), spec.Text("securityToken"));
        if (header is null != token is null)
            throw spec.Error("securityTokenHeader", "and securityToken go together");
        _token = header is null || token is null ? null : (header, token);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = true, SslOptions = Certificates(spec) };
        _http = new HttpClient(handler)
        {
            Timeout = spec.Duration("responseTimeout", Timeout.InfiniteTimeSpan),
            MaxResponseContentBufferSize = ResponseBytesMax(spec),
        };
    }

    public IReadOnlyList<string> Operations { get; } =
    ["create", "get", "head", "post", "put", "patch", "delete", "options", "trace"];

    public async Task<BindingReply> InvokeAsync(BindingCall call, CancellationToken cancellation)
    {
        using var request = Request(call);
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, cancellation);
        }
        catch (Exception e)
            when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new BindingException($"{request.Method} {request.RequestUri}: {e.Message}", e);
        }
        using (response)
        {
            var data = await response.Content.ReadAsByteArrayAsync(cancellation);
            var fails = call.Find("errorIfNot2XX") is { } asked
                ? !string.Equals(asked, "false", StringComparison.OrdinalIgnoreCase)
                : _failsUnless2xx;
            return fails && !response.IsSuccessStatusCode
                ? throw new BindingException($"received status code '{(int)response.StatusCode}'")
                : new BindingReply(data) { Metadata = Describe(response) };
        }
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private HttpRequestMessage Request(BindingCall call)
    {
        var verb = call.Operation == "create" ? "POST" : call.Operation.ToUpperInvariant();
        var request = new HttpRequestMessage(new HttpMethod(verb), AddressOf(call));
        if (verb is "POST" or "PUT" or "PATCH" or "DELETE")
        {
            request.Content = new ReadOnlyMemoryContent(call.Data);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        }
        if (call.Trace.Parent is { } parent)
            request.Headers.TryAddWithoutValidation("traceparent", parent);
        // Keys that start with a capital are headers: that is how Dapr tells them from its own.
        foreach (
            var (name, value) in call.Metadata.Where(item =>
                char.IsAsciiLetterUpper(item.Key.FirstOrDefault())
            )
        )
            SetHeader(request, name, value);
        if (_token is { } token)
            SetHeader(request, token.Header, token.Token);
        return request;
    }

    private Uri AddressOf(BindingCall call)
    {
        if (call.Find("path") is not { Length: > 0 } path)
            return new Uri(_url);
        var address = new Uri($"{_url.TrimEnd('/')}/{path.TrimStart('/')}");
        // What is appended may not lead out of what was configured.
        return address.AbsolutePath.StartsWith(
            new Uri(_url).AbsolutePath.TrimEnd('/'),
            StringComparison.Ordinal
        )
            ? address
            : throw new BindingException($"the path '{path}' leads outside {_url}");
    }

    private static void SetHeader(HttpRequestMessage request, string name, string value)
    {
        if (request.Headers.TryAddWithoutValidation(name, value) || request.Content is null)
            return;
        request.Content.Headers.Remove(name);
        request.Content.Headers.TryAddWithoutValidation(name, value);
    }

    private static Dictionary<string, string> Describe(HttpResponseMessage response)
    {
        var code = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["statusCode"] = code,
            ["status"] = $"{code} {response.ReasonPhrase}",
        };
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
            metadata[name] = string.Join(", ", values);
        return metadata;
    }

    private static int ResponseBytesMax(ComponentSpec spec)
    {
        if (spec.Text("maxResponseBodySize") is not { } text)
            return ResponseBytesMaxDefault;
        return DaprdFlags.TryBytes(text, out var bytes)
            ? bytes
            : throw spec.Error("maxResponseBodySize", $"must be a size such as 100Mi, not '{text}'");
    }

    private static SslClientAuthenticationOptions Certificates(ComponentSpec spec)
    {
        var options = new SslClientAuthenticationOptions
        {
            AllowRenegotiation = spec.Text("MTLSRenegotiation") switch
            {
                null or "RenegotiateNever" => false,
                "RenegotiateOnceAsClient" or "RenegotiateFreelyAsClient" => true,
                var other => throw spec.Error(
                    "MTLSRenegotiation",
                    "must be RenegotiateNever, RenegotiateOnceAsClient or RenegotiateFreelyAsClient, "
                        + $"not '{other}'"
                ),
            },
        };
        try
        {
            if (spec.Text("MTLSRootCA") is { } root)
            {
                var roots = new X509Certificate2Collection();
                roots.ImportFromPem(Pem.Text(root));
                options.CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                };
                options.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
            }
            if (spec.Text("MTLSClientCert") is { } certificate)
                options.ClientCertificates = [Pem.Certificate(certificate, spec.Required("MTLSClientKey"))];
        }
        catch (Exception e) when (Pem.IsUnreadable(e))
        {
            throw spec.Error("MTLSRootCA, MTLSClientCert or MTLSClientKey", $"cannot be read: {e.Message}");
        }
        return options;
    }
}
