using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Souk.Options.V1;
using Souk.Type;
using RpcStatus = Google.Rpc.Status;

namespace Souk.Shared;

/// <summary>Which answers a repeated request id gets again.</summary>
public enum Replay
{
    /// <summary>Successful answers. A failed attempt leaves no trace and the same id may try again.</summary>
    Answers,

    /// <summary>
    /// Errors that the work decided on, too; never those that a repeat may cure, such as UNAVAILABLE.
    /// </summary>
    AnswersAndErrors,
}

/// <summary>
/// Runs a mutation once per caller and request id. The request's hash and its answer commit with the effect,
/// so a repeat gets the first answer, and the same id with another request is ABORTED/IDEMPOTENCY_MISMATCH. A
/// concurrent duplicate waits on the primary key of the first attempt's row and then answers from it.
/// </summary>
public sealed class RequestIds(Db db)
{
    private static readonly ConcurrentDictionary<MessageDescriptor, RequestShape> Shapes = new();

    private readonly ConcurrentDictionary<(string Caller, Guid RequestId), TaskCompletionSource> _running =
        new();

    /// <summary>Runs the work in a transaction, or answers what it answered before.</summary>
    public async Task<TReply> RunAsync<TReply>(
        IMessage request,
        ServerCallContext context,
        Func<DbTransaction, Task<TReply>> work,
        Replay replay = Replay.Answers
    )
        where TReply : class, IMessage<TReply>, new()
    {
        var key = KeyOf(request, context);
        // The table alone would do. But duplicates that wait there hold connections, and a storm of them
        // would hold the whole pool.
        var done = await EnterAsync(key, context.CancellationToken);
        try
        {
            return (await RunAsync(key, work, replay, context.CancellationToken)).Open();
        }
        finally
        {
            _running.TryRemove((key.Caller, key.RequestId), out _);
            done.SetResult();
        }
    }

    /// <summary>
    /// The answer that the request got before, or null. For RPCs that ask other services before they write:
    /// what those say may have changed since the first attempt, and a repeat has to give the first answer all
    /// the same.
    /// </summary>
    public async Task<TReply?> FindAsync<TReply>(IMessage request, ServerCallContext context)
        where TReply : class, IMessage<TReply>, new() =>
        (await FindAsync<TReply>(db, KeyOf(request, context), context.CancellationToken))?.Open();

    private async Task<TaskCompletionSource> EnterAsync(Key key, CancellationToken token)
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (true)
        {
            var running = _running.GetOrAdd((key.Caller, key.RequestId), mine);
            if (running == mine)
                return mine;
            await running.Task.WaitAsync(token);
        }
    }

    private Task<Outcome<TReply>> RunAsync<TReply>(
        Key key,
        Func<DbTransaction, Task<TReply>> work,
        Replay replay,
        CancellationToken token
    )
        where TReply : class, IMessage<TReply>, new() =>
        db.InTransactionAsync(
            async tx =>
                await ClaimAsync(tx, key)
                    ? await ExecuteAsync(tx, key, work, replay)
                    : await RecallAsync<TReply>(tx, key),
            token
        );

    private static Key KeyOf(IMessage request, ServerCallContext context)
    {
        var shape = Shapes.GetOrAdd(request.Descriptor, static descriptor => new RequestShape(descriptor));
        return new Key(
            Caller.Of(context).UserId,
            shape.Id(request),
            context.Method,
            shape.Hash(context.Method, request)
        );
    }

    private static async Task<bool> ClaimAsync(DbTransaction tx, Key key) =>
        await tx.ExecuteAsync(
            ClaimSql,
            [key.Caller, key.RequestId, key.Method, key.BodyHash, tx.Clock.GetUtcNow()],
            tx.CancellationToken
        ) == 1;

    private const string ClaimSql = """
        insert into request_log (caller, request_id, method, body_hash, created_at)
        values ($1, $2, $3, $4, $5) on conflict do nothing
        """;

    private static async Task<Outcome<TReply>> ExecuteAsync<TReply>(
        DbTransaction tx,
        Key key,
        Func<DbTransaction, Task<TReply>> work,
        Replay replay
    )
        where TReply : class, IMessage<TReply>, new()
    {
        try
        {
            var reply = replay == Replay.Answers ? await work(tx) : await tx.InSavepointAsync(() => work(tx));
            tx.Defer(AnswerSql, [key.Caller, key.RequestId, 0, reply.ToByteArray()]);
            return new Outcome<TReply>(reply, null);
        }
        catch (RpcException e) when (replay == Replay.AnswersAndErrors && IsFinal(e.StatusCode))
        {
            var status = Fault.StatusOf(e);
            tx.Defer(AnswerSql, [key.Caller, key.RequestId, status.Code, status.ToByteArray()]);
            return new Outcome<TReply>(new TReply(), status);
        }
    }

    private const string AnswerSql = """
        update request_log set code = $3, reply = $4 where caller = $1 and request_id = $2
        """;

    // The row was there a moment ago; only the cleanup of ids that are days old takes one away.
    private static async Task<Outcome<TReply>> RecallAsync<TReply>(DbTransaction tx, Key key)
        where TReply : class, IMessage<TReply>, new() =>
        await FindAsync<TReply>(tx, key, tx.CancellationToken) ?? throw Mismatch(key);

    private static async Task<Outcome<TReply>?> FindAsync<TReply>(
        DbQueries queries,
        Key key,
        CancellationToken token
    )
        where TReply : class, IMessage<TReply>, new()
    {
        var earlier = await queries.OneAsync(
            RecallSql,
            [key.Caller, key.RequestId],
            row => new Earlier(row.GetFieldValue<byte[]>(0), row.GetInt32(1), row.GetFieldValue<byte[]>(2)),
            token
        );
        if (earlier is null)
            return null;
        if (!earlier.BodyHash.AsSpan().SequenceEqual(key.BodyHash))
            throw Mismatch(key);
        if (earlier.Code != 0)
            return new Outcome<TReply>(new TReply(), RpcStatus.Parser.ParseFrom(earlier.Reply));
        var reply = new TReply();
        reply.MergeFrom(earlier.Reply);
        return new Outcome<TReply>(reply, null);
    }

    private const string RecallSql = """
        select body_hash, code, reply from request_log where caller = $1 and request_id = $2
        """;

    private static RpcException Mismatch(Key key) =>
        Fault.Aborted(
            Reason.IdempotencyMismatch,
            "The request id was used before with another request.",
            ("request_id", key.RequestId.ToString())
        );

    private static bool IsFinal(StatusCode code) =>
        code
            is StatusCode.InvalidArgument
                or StatusCode.NotFound
                or StatusCode.AlreadyExists
                or StatusCode.FailedPrecondition
                or StatusCode.OutOfRange
                or StatusCode.PermissionDenied;

    private sealed record Key(string Caller, Guid RequestId, string Method, byte[] BodyHash);

    private sealed record Earlier(byte[] BodyHash, int Code, byte[] Reply);

    private sealed record Outcome<TReply>(TReply Reply, RpcStatus? Error)
    {
        internal TReply Open() => Error is null ? Reply : throw Fault.FromStatus(Error);
    }
}

/// <summary>
/// What of a request message is its identity: the id field, and which fields the hash leaves out.
/// </summary>
internal sealed class RequestShape
{
    private readonly FieldDescriptor _requestId;
    private readonly FieldDescriptor[] _left;

    internal RequestShape(MessageDescriptor descriptor)
    {
        var field = descriptor.FindFieldByName("request_id");
        Invariant.That(
            field is { FieldType: FieldType.String },
            $"{descriptor.FullName} has a string request_id to be idempotent by"
        );
        _requestId = field;
        // A "Prefer" header says how to answer, not what to do, so a repeat may prefer otherwise.
        _left =
        [
            field,
            .. descriptor
                .Fields.InDeclarationOrder()
                .Where(other => other.GetOptions()?.GetExtension(OptionsExtensions.Header)?.Name == "Prefer"),
        ];
    }

    internal Guid Id(IMessage request)
    {
        var text = (string)_requestId.Accessor.GetValue(request);
        if (text.Length == 0)
            throw Fault.InvalidArgument(Reason.IdempotencyKeyRequired, "request_id", "is required, a UUID");
        return Guid.TryParse(text, out var id)
            ? id
            : throw Fault.InvalidArgument("request_id", "must be a UUID");
    }

    internal byte[] Hash(string method, IMessage request)
    {
        var body = request.Descriptor.Parser.ParseFrom(request.ToByteString());
        foreach (var field in _left)
            field.Accessor.Clear(body);
        return SHA256.HashData([.. Encoding.UTF8.GetBytes(method), 0, .. body.ToByteArray()]);
    }
}
