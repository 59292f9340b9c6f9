using System.Globalization;
using System.Net.Http.Headers;
using Grpc.Core;
using Polly;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Proxy;

/// <summary>
/// The beginning of an app's answer to a unary call: enough to see how the call went, before anything of it
/// reaches the caller.
/// </summary>
internal sealed class UnaryReply : IDisposable
{
    private const int FirstMax = 16 * 1024;

    private UnaryReply(HttpResponseMessage response, ReadOnlyMemory<byte> first, StatusCode status)
    {
        Response = response;
        First = first;
        Status = status;
    }

    public HttpResponseMessage Response { get; }

    /// <summary>What has been read of the body.</summary>
    public ReadOnlyMemory<byte> First { get; }

    /// <summary>OK as long as the app has said nothing else.</summary>
    private StatusCode Status { get; }

    public static async Task<UnaryReply> ReadAsync(
        HttpResponseMessage response,
        CancellationToken cancellation
    )
    {
        if (StatusIn(response.Headers) is { } early)
            return new UnaryReply(response, ReadOnlyMemory<byte>.Empty, early);
        var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var first = new byte[FirstMax];
        var length = await stream.ReadAsync(first, cancellation);
        var late = length == 0 ? StatusIn(response.TrailingHeaders) : null;
        return new UnaryReply(response, first.AsMemory(0, length), late ?? StatusCode.OK);
    }

    public static Failure? Judge(Outcome<UnaryReply> outcome) =>
        outcome switch
        {
            { Result: { Status: StatusCode.OK } } => null,
            { Result: { } reply } => new Failure(GrpcCode: (int)reply.Status),
            { Exception: HttpRequestException } => new Failure(GrpcCode: (int)StatusCode.Unavailable),
            { Exception: Polly.Timeout.TimeoutRejectedException } => new Failure(
                GrpcCode: (int)StatusCode.DeadlineExceeded
            ),
            { Exception: OperationCanceledException } => null,
            _ => new Failure(),
        };

    public void Dispose() => Response.Dispose();

    private static StatusCode? StatusIn(HttpHeaders headers) =>
        headers.NonValidated.TryGetValues("grpc-status", out var text)
        && int.TryParse(text.ToString(), CultureInfo.InvariantCulture, out var code)
            ? (StatusCode)code
            : null;
}
