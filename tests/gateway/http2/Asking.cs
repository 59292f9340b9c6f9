using System.Text;
using Souk.Gateway.Calls;
using Souk.Gateway.Calls.Http2;

namespace Souk.Tests.Gateway.Http2;

/// <summary>Calls as the gateway makes them.</summary>
internal static class Asking
{
    public static async Task<UnaryReply> AskAsync(
        this Http2Connections calls,
        string message = "ask",
        CancellationToken token = default
    )
    {
        using var call = new GrpcCall("echo", "/souk.test.Echo/Get");
        call.Message.Append(Encoding.UTF8.GetBytes(message));
        call.Seal();
        call.Headers.Append(FramePeer.Block((":path", call.Path)));
        return await calls.CallAsync(call, token);
    }

    /// <summary>Makes a call over a new connection, and returns once the server has read it.</summary>
    public static async Task<(Task<UnaryReply> Call, FramePeer Peer, int Stream)> BeginAsync(
        this Http2Connections calls,
        FrameServer server
    )
    {
        var call = calls.AskAsync();
        var peer = await server.AcceptAsync();
        return (call, peer, await peer.CallAsync());
    }

    /// <summary>A call goes over a connection that was not there before.</summary>
    public static async Task AssertServesAsync(this Http2Connections calls, FrameServer server)
    {
        var (call, peer, id) = await calls.BeginAsync(server);
        await peer.AnswerAsync(id);
        using var reply = await call;
        Assert.That(reply.Ending.Code, Is.Zero);
    }

    public static async Task AssertFailsAsync(Task<UnaryReply> call)
    {
        try
        {
            using var reply = await call.WaitAsync(FramePeer.Patience());
            Assert.Fail("It was answered.");
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            // As it should.
        }
    }
}
