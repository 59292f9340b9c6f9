using Souk.Gateway.Caching;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Options.V1;

namespace Souk.Gateway.Calls;

/// <summary>Answers unary calls, from memory where the contract allows that.</summary>
internal sealed class UnaryCalls(ServiceCaller caller, OutputCache cache, TimeProvider clock)
{
    /// <summary>Writes the reply, or returns why there is none.</summary>
    /// <param name="token">Ends with the deadline or the caller, whichever is first.</param>
    public async Task<Problem?> ServeAsync(
        Exchange exchange,
        Route route,
        GrpcCall call,
        CancellationToken token
    )
    {
        if (cache.Covers(exchange) is { } option)
            return await ServeKeptAsync(exchange, route, option, call, token);
        using var reply = await caller.CallAsync(call, route.IsSafe, token, exchange.Context.RequestAborted);
        if (ProblemOf(reply) is { } problem)
            return problem;
        await ReplyWriter.WriteAsync(route, exchange.Context, reply, exchange.Caller.IsAnonymous);
        if (!route.IsSafe)
            cache.Changed(route, call.Message.Written);
        return null;
    }

    private async Task<Problem?> ServeKeptAsync(
        Exchange exchange,
        Route route,
        Cache option,
        GrpcCall call,
        CancellationToken token
    )
    {
        var languages = exchange.Context.Request.Headers.AcceptLanguage.ToString();
        var key = new CacheKey(route, call.Message.Written, languages);
        var (deadline, metadata) = (call.Deadline, call.Metadata.ToArray());
        var outcome = await cache.GetAsync(
            key,
            exchange,
            () => LoadAsync(route, option, key, deadline, metadata),
            token
        );
        if (outcome.Reply is not { } reply)
            return outcome.Problem;
        await ReplyWriter.WriteAsync(route, exchange.Context, reply, clock.GetUtcNow());
        return null;
    }

    private async Task<CacheOutcome> LoadAsync(
        Route route,
        Cache option,
        CacheKey key,
        TimeSpan deadline,
        KeyValuePair<string, string>[] metadata
    )
    {
        using var call = new GrpcCall(route.Rpc.AppId, route.Rpc.Path)
        {
            Deadline = deadline,
            Priority = route.Rpc.Traffic.Priority,
        };
        var message = key.Request[GrpcCall.PrefixBytes..];
        message.CopyTo(call.Message.GetSpan(message.Length));
        call.Message.Advance(message.Length);
        call.Metadata.AddRange(metadata);
        using var timeout = new CancellationTokenSource(deadline, clock);
        using var reply = await caller.CallAsync(call, true, timeout.Token, CancellationToken.None);
        return ProblemOf(reply) is { } problem
            ? new CacheOutcome(null, problem)
            : new CacheOutcome(cache.Keepable(route, option, key, reply.Message), null);
    }

    private static Problem? ProblemOf(UnaryReply reply)
    {
        var ending = reply.Ending;
        if (ending.Code != 0)
            return new Problem(ending);
        return reply.HasMessage ? null : throw new InvalidDataException("The reply has no message.");
    }
}
