using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Souk.Gateway.Errors;
using Souk.Gateway.Http;
using Souk.Gateway.Routing;
using Souk.Gateway.Transcoding;
using Souk.Options.V1;
using Souk.Shared;

namespace Souk.Gateway.Caching;

/// <summary>What a service said: a reply, or why there is none.</summary>
internal readonly record struct CacheOutcome(CachedReply? Reply, Problem? Problem);

/// <summary>
/// Remembers replies to public GETs without a token, as long as the contract says or until the event
/// cache.invalidate names what they tell of. Callers who ask for the same at once share one call.
/// </summary>
internal sealed class OutputCache
{
    private const int LanguageCharsMax = 100;
    private const int TagsMax = 1000;

    /// <summary>How old a reply may get while nobody tells us of changes .</summary>
    private static readonly TimeSpan UnheardMax = TimeSpan.FromSeconds(5);

    private static readonly Counter<long> Lookups = Telemetry.Meter.CreateCounter<long>(
        "gateway.cache.lookups",
        description: "Requests whose reply could have been remembered, by whether it was"
    );

    private static readonly Counter<long> Forgotten = Telemetry.Meter.CreateCounter<long>(
        "gateway.cache.forgotten",
        description: "Replies forgotten because what they tell of changed"
    );

    private readonly HashSet<string> _fields;
    private readonly ReplyStore _store;
    private readonly bool _isOn;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<CacheKey, Lazy<Task<CacheOutcome>>> _calls = new();
    private long _changes;
    private volatile bool _hearsOfChanges;

    public OutputCache(GatewaySettings settings, Contracts contracts, TimeProvider clock)
    {
        _fields =
        [
            .. contracts
                .Rpcs.Select(rpc => rpc.Traffic.Cache?.Changes)
                .OfType<string>()
                .Where(field => field.Length > 0),
        ];
        _store = new ReplyStore(settings.CacheBytesMax);
        _isOn = settings.CacheBytesMax > 0;
        _clock = clock;
        Telemetry.Meter.CreateObservableGauge("gateway.cache.bytes", () => _store.Bytes, "By");
    }

    /// <summary>The members of cache.invalidate that say what changed.</summary>
    public IReadOnlyCollection<string> Fields => _fields;

    /// <summary>What is remembered now.</summary>
    public ReplyStore Store => _store;

    /// <summary>Whether changes are told now.</summary>
    public bool HearsOfChanges => _hearsOfChanges;

    /// <summary>The option of a request whose reply may come from memory.</summary>
    public Cache? Covers(Exchange exchange) =>
        _isOn
        && exchange is { Route: { IsSafe: true, IsRawResponse: false, Rpc: { IsPublic: true } rpc } }
        && rpc.Traffic.Cache is { GatewaySeconds: > 0 } cache
        && exchange.Caller.IsAnonymous
        && exchange.Context.Request.Headers.AcceptLanguage.ToString().Length <= LanguageCharsMax
            ? cache
            : null;

    /// <summary>The remembered reply, or the one that <paramref name="call"/> gets.</summary>
    /// <param name="call">Belongs to nobody: it goes on when the first who asked goes away.</param>
    public async Task<CacheOutcome> GetAsync(
        CacheKey key,
        Exchange exchange,
        Func<Task<CacheOutcome>> call,
        CancellationToken token
    )
    {
        if (_store.Find(key, _clock.GetUtcNow()) is { } known)
        {
            Count(exchange, "hit");
            return new CacheOutcome(known, null);
        }
        var own = new Lazy<Task<CacheOutcome>>(() => LoadAsync(key, call));
        var shared = _calls.GetOrAdd(key, own);
        Count(exchange, ReferenceEquals(own, shared) ? "miss" : "shared");
        return await shared.Value.WaitAsync(token);
    }

    /// <summary>Changes will be told from now on.</summary>
    public void Listen() => _hearsOfChanges = true;

    /// <summary>Changes are not told any more: what is remembered may be of before one.</summary>
    public void Deafen()
    {
        _hearsOfChanges = false;
        Interlocked.Increment(ref _changes);
        _store.Clear();
    }

    /// <summary>Forgets replies that tell of this.</summary>
    public void Forget(string field, string value)
    {
        Interlocked.Increment(ref _changes);
        Forgotten.Add(_store.Forget(Tag(field, value)) + _store.Forget(Tag(field, "")));
    }

    /// <summary>
    /// A call through this gateway changed something: what is remembered of it goes at once, before the
    /// event.
    /// </summary>
    public void Changed(Route route, ReadOnlySpan<byte> request)
    {
        if (route.Variables.Length == 0 || !_fields.Overlaps(route.Variables.Select(v => v.Field.Name)))
            return;
        foreach (var field in _fields)
        {
            var values = new HashSet<string>(StringComparer.Ordinal);
            FieldTexts.Collect(route.Rpc.Input, request[Calls.GrpcCall.PrefixBytes..], field, values);
            foreach (var value in values)
                Forget(field, value);
        }
    }

    /// <summary>Makes what is kept of a reply.</summary>
    public CachedReply Keepable(Route route, Cache cache, CacheKey key, ReadOnlySpan<byte> message)
    {
        using var body = new PooledBuffer();
        using var packed = new PooledBuffer();
        var type = ReplyWriter.Render(route, message, body);
        var isPacked = Compression.TryCompress("br", body.Written, packed) is not null;
        var now = _clock.GetUtcNow();
        var age = TimeSpan.FromSeconds(cache.GatewaySeconds);
        return new CachedReply(
            message.ToArray(),
            type,
            body.Written.ToArray(),
            isPacked ? packed.Written.ToArray() : null,
            TagsOf(route.Rpc, cache, key, message),
            now,
            now + (_hearsOfChanges || age < UnheardMax ? age : UnheardMax)
        );
    }

    private async Task<CacheOutcome> LoadAsync(CacheKey key, Func<Task<CacheOutcome>> call)
    {
        // This runs inside a Lazy: without the yield, whoever asks for the same reply meanwhile would block
        // its thread until the call has begun.
        await Task.Yield();
        // What changes while the service answers may be missing in its answer.
        var changes = Interlocked.Read(ref _changes);
        try
        {
            var outcome = await call();
            if (outcome.Reply is { } reply && changes == Interlocked.Read(ref _changes))
                _store.Keep(key, reply);
            return outcome;
        }
        finally
        {
            _calls.TryRemove(key, out _);
        }
    }

    private static string[] TagsOf(Rpc rpc, Cache cache, CacheKey key, ReadOnlySpan<byte> message)
    {
        if (cache.Changes.Length == 0)
            return [];
        // A list does not name what is missing in it: it goes with every change.
        if (rpc.Input.Find(cache.Changes) is null)
            return [Tag(cache.Changes, "")];
        var values = new HashSet<string>(StringComparer.Ordinal);
        FieldTexts.Collect(rpc.Input, key.Request[Calls.GrpcCall.PrefixBytes..], cache.Changes, values);
        FieldTexts.Collect(rpc.Output, message, cache.Changes, values);
        return values.Count > TagsMax
            ? [Tag(cache.Changes, "")]
            : [.. values.Select(value => Tag(cache.Changes, value))];
    }

    private static string Tag(string field, string value) => $"{field}={value}";

    // RFC 9211, so that whoever looks at a reply sees where it came from.
    private static void Count(Exchange exchange, string outcome)
    {
        exchange.Context.Response.Headers["Cache-Status"] =
            outcome == "hit"
                ? "souk; hit"
                : "souk; fwd=uri-miss" + (outcome == "shared" ? "; collapsed" : "");
        Lookups.Add(1, new("rpc", exchange.Route?.Rpc.Name), new("outcome", outcome));
    }
}
