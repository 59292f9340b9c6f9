using Grpc.Core;

namespace Souk.Tests.Harness;

/// <summary>Writing to a server that may have had enough, or may be gone.</summary>
internal static class ClientStreams
{
    /// <summary>
    /// Sends a message unless the call is over: why it is, is told to whoever reads. Of a connection that
    /// breaks amid its writing gRPC's client tells in HTTP's words, of all else in its own.
    /// </summary>
    internal static async Task TryWriteAsync<T>(this IClientStreamWriter<T> stream, T message)
    {
        try
        {
            await stream.WriteAsync(message);
        }
        catch (Exception e) when (e is RpcException or IOException or HttpRequestException)
        {
            // The reader hears of it.
        }
    }
}
