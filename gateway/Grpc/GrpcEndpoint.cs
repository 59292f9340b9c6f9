using System.Collections.Frozen;
using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Security;
using Souk.Gateway.Streams;
using Souk.Gateway.Transcoding;
using Souk.Shared;
using Reason = Souk.Type.Reason;

namespace Souk.Gateway.Grpc;

/// <summary>
/// Passes gRPC calls through as bytes: admitted like REST's, never decoded. What REST does not offer is not
/// offered here either, and looks as if it did not exist.
/// </summary>
internal sealed class GrpcEndpoint(
    Contracts contracts,
    AccessGate gate,
    RateGate rates,
    ServiceCaller caller,
    OpenStreams streams,
    GatewaySettings settings
)
{
    private const string EncodingHeader = "grpc-encoding";
    private const int EncodingCharsMax = 32;

    private readonly FrozenDictionary<string, Rpc> _rpcs = contracts
        .Rpcs.Where(rpc => rpc.IsExposed)
        .ToFrozenDictionary(rpc => rpc.Path, StringComparer.Ordinal);

    /// <summary>Whether partners can call the path.</summary>
    public bool Offers(string path) => _rpcs.ContainsKey(path);

    public async Task<Problem?> ServeAsync(Exchange exchange)
    {
        var context = exchange.Context;
        exchange.Rpc = _rpcs.GetValueOrDefault(exchange.Path);
        rates.CheckAddress(exchange);
        if (exchange.Rpc is not { } rpc)
            throw Fault.Unimplemented(Reason.RouteNotFound, "There is no such RPC.");
        exchange.Caller = await gate.AdmitAsync(
            rpc,
            context.Request.Headers.Authorization,
            context.RequestAborted
        );
        rates.CheckUser(exchange);
        using var call = new GrpcCall(rpc.AppId, rpc.Path) { Priority = rpc.Traffic.Priority };
        SetDeadline(call, rpc, context);
        exchange.WriteMetadata(call.Metadata);
        PassEncoding(context.Request.Headers, call);
        return rpc.IsStream ? await StreamAsync(exchange, rpc, call) : await UnaryAsync(exchange, rpc, call);
    }

    private async Task<Problem?> UnaryAsync(Exchange exchange, Rpc rpc, GrpcCall call)
    {
        var context = exchange.Context;
        using var deadline = Deadline.Begin(call.Deadline, context.RequestAborted);
        await ReadMessageAsync(context, call, settings.BodyBytesMax);
        using var reply = await caller.CallAsync(call, rpc.IsSafe, deadline.Token, context.RequestAborted);
        // What fails at once has its trailers where others have their headers.
        if (reply.Trailing is not null)
            PassedMetadata.Leading(reply.Leading, context);
        if (reply.HasMessage)
        {
            GrpcEnding.Start(context);
            await context.Response.Body.WriteAsync(reply.Frame, deadline.Token);
        }
        PassedMetadata.Trailing(reply.Trailing ?? reply.Leading, context);
        return reply.Ending.Code == 0 ? null : new Problem(reply.Ending);
    }

    private async Task<Problem?> StreamAsync(Exchange exchange, Rpc rpc, GrpcCall call)
    {
        var context = exchange.Context;
        var gone = context.RequestAborted;
        using var slot = streams.Take(exchange);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(gone, streams.Stopping);
        ended.CancelAfter(call.Deadline);
        try
        {
            if (rpc.IsClientStreaming)
            {
                LongBody.Allow(context);
                call.Stream = new PassedBody(context.Request.BodyReader, settings.BodyBytesMax);
            }
            else
            {
                await ReadMessageAsync(context, call, settings.BodyBytesMax);
            }
            using var reply = await caller.OpenAsync(call, ended.Token, gone);
            return await AnswerAsync(rpc, context, reply, ended.Token);
        }
        catch (Exception e)
            when (!gone.IsCancellationRequested
                && streams.StatusOf(call.Refusal ?? e, isGone: false) is { } status
            )
        {
            return new Problem(status);
        }
    }

    private void SetDeadline(GrpcCall call, Rpc rpc, HttpContext context)
    {
        var usual = rpc.IsStream ? settings.StreamDeadline : rpc.Traffic.Deadline ?? settings.Deadline;
        var longest = rpc.IsStream ? settings.StreamDeadline : GatewaySettings.DeadlineMax;
        call.Deadline = GrpcTimeout.Of(context.Request.Headers, usual, longest);
        call.IsHurried = call.Deadline < usual;
    }

    // How messages are compressed is between caller and service; its name has to be one that HTTP carries.
    private static void PassEncoding(IHeaderDictionary headers, GrpcCall call)
    {
        if (headers[EncodingHeader] is not [{ Length: > 0 } name])
            return;
        if (name.Length > EncodingCharsMax || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw BadRequestException.Invalid(EncodingHeader, "must be the name of an encoding");
        call.Metadata.Add(new(EncodingHeader, name));
    }

    // The one message of the request, its prefix included, takes the place that a call keeps for both.
    private static async ValueTask ReadMessageAsync(HttpContext context, GrpcCall call, int bytesMax)
    {
        call.Message.Truncate(0);
        await BodyReader.ReadAsync(context, call.Message, bytesMax + GrpcCall.PrefixBytes);
        if (call.Message.Length < GrpcCall.PrefixBytes)
            throw MessageMeter.Malformed("has no message");
        var length = MessageMeter.LengthOf(call.Message.Written, bytesMax);
        if (length > call.Message.Length - GrpcCall.PrefixBytes)
            throw MessageMeter.Malformed("ends within a message");
        if (length < call.Message.Length - GrpcCall.PrefixBytes)
            throw MessageMeter.Malformed("has more than one message");
    }

    private static async Task<Problem?> AnswerAsync(
        Rpc rpc,
        HttpContext context,
        GrpcReply reply,
        CancellationToken token
    )
    {
        var response = context.Response;
        if (!reply.IsOver)
            PassedMetadata.Leading(reply.Leading, context);
        if (rpc.IsServerStreaming && !reply.IsOver)
        {
            GrpcEnding.Start(context);
            await response.StartAsync(token);
        }
        var hasMessage = await reply.NextAsync(token);
        while (hasMessage)
        {
            GrpcEnding.Start(context);
            await response.Body.WriteAsync(reply.Frame, token);
            if (rpc.IsServerStreaming)
                await response.Body.FlushAsync(token);
            hasMessage = rpc.IsServerStreaming && await reply.NextAsync(token);
        }
        if (rpc.IsClientStreaming)
            await reply.FinishAsync(token);
        PassedMetadata.Trailing(reply.IsOver ? reply.Leading : reply.Trailing, context);
        var ending = reply.Ending();
        return ending.Code == 0 ? null : new Problem(ending);
    }
}
