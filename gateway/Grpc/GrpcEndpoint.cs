using System.Collections.Frozen;
using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Souk.Gateway.Calls;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Security;
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
    GatewaySettings settings
)
{
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
        if (context.Request.Headers["grpc-encoding"] is [{ Length: > 0 } encoding])
            call.Metadata.Add(new("grpc-encoding", encoding));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(call.Deadline);
        if (rpc.IsClientStreaming)
            return await PassStreamAsync(rpc, context, call, deadline.Token);
        await ReadMessageAsync(context, call, settings.BodyBytesMax);
        return await PassAsync(rpc, context, call, deadline.Token);
    }

    private void SetDeadline(GrpcCall call, Rpc rpc, HttpContext context)
    {
        var isStream = rpc.IsClientStreaming || rpc.IsServerStreaming;
        var usual = isStream ? settings.StreamDeadline : rpc.Traffic.Deadline ?? settings.Deadline;
        var longest = isStream ? settings.StreamDeadline : GatewaySettings.DeadlineMax;
        call.Deadline = GrpcTimeout.Of(context.Request.Headers, usual, longest);
        call.IsHurried = call.Deadline < settings.Deadline;
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

    private async Task<Problem?> PassAsync(
        Rpc rpc,
        HttpContext context,
        GrpcCall call,
        CancellationToken token
    )
    {
        using var reply = rpc.IsServerStreaming
            ? await caller.OpenAsync(call, token, context.RequestAborted)
            : await caller.CallAsync(call, rpc.IsSafe, token, context.RequestAborted);
        return await AnswerAsync(rpc, context, reply, token);
    }

    private async Task<Problem?> PassStreamAsync(
        Rpc rpc,
        HttpContext context,
        GrpcCall call,
        CancellationToken token
    )
    {
        Unbound(context);
        using var body = new PassedBody(context.Request.BodyReader, settings.BodyBytesMax);
        call.Stream = body;
        try
        {
            using var reply = await caller.OpenAsync(call, token, context.RequestAborted);
            return await AnswerAsync(rpc, context, reply, token);
        }
        catch (Exception e) when (body.Refusal is not null && e is HttpRequestException or IOException)
        {
            // What broke the call is what the client sent.
            ExceptionDispatchInfo.Throw(body.Refusal);
            throw;
        }
    }

    // A stream has no length and may rest between two messages; its messages and its time are bounded
    // instead.
    private static void Unbound(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    private static async Task<Problem?> AnswerAsync(
        Rpc rpc,
        HttpContext context,
        GrpcReply reply,
        CancellationToken token
    )
    {
        var response = context.Response;
        PassedMetadata.Leading(reply, context);
        if (rpc.IsServerStreaming && !reply.IsOver)
        {
            GrpcEnding.Start(context);
            await response.StartAsync(token);
        }
        // A unary reply has been read already, for the sake of retries.
        var hasMessage =
            rpc.IsServerStreaming || rpc.IsClientStreaming ? await reply.NextAsync(token) : reply.HasMessage;
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
        PassedMetadata.Trailing(reply, context);
        var ending = reply.Ending();
        return ending.Code == 0 ? null : new Problem(ending);
    }
}
