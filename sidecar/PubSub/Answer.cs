using Grpc.Core;
using Souk.Sidecar.Components;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Sidecar.PubSub;

/// <summary>What became of one attempt to hand an event to an app.</summary>
internal readonly record struct Answer(Verdict Verdict, string Reason)
{
    /// <summary>The code of a failed gRPC call; policies may except some.</summary>
    public StatusCode? GrpcCode { get; init; }

    /// <summary>The status of a failed HTTP call; policies may except some.</summary>
    public int? HttpCode { get; init; }

    /// <summary>The app cannot take events at all; no dead letter is made of that.</summary>
    public bool IsUnimplemented { get; init; }

    /// <summary>An app that is known to be down is not called: a failed attempt all the same.</summary>
    public static Answer NotListening { get; } =
        new(Verdict.Retry, "the app is not listening") { GrpcCode = StatusCode.Unavailable };

    public static Answer TimedOut { get; } =
        new(Verdict.Retry, "the app took too long") { GrpcCode = StatusCode.DeadlineExceeded };

    public static Answer Of(Verdict verdict) => new(verdict, "the app said so");

    public static Answer[] ForAll(IReadOnlyList<ReceivedEvent> events, Answer answer)
    {
        var answers = new Answer[events.Count];
        Array.Fill(answers, answer);
        return answers;
    }

    /// <summary>The answers in the order of the events; what the app left out is tried again.</summary>
    public static Answer[] ByEntry(
        IReadOnlyList<ReceivedEvent> events,
        IEnumerable<(string EntryId, Answer Answer)> given
    )
    {
        var byId = new Dictionary<string, Answer>(StringComparer.Ordinal);
        foreach (var (id, answer) in given)
            byId[id] = answer;
        var missing = new Answer(Verdict.Retry, "the app left it out of its answer");
        return [.. events.Select(received => byId.GetValueOrDefault(received.Message.Id, missing))];
    }

    public bool IsRetriable(RetryPolicy policy) =>
        (GrpcCode is not { } code || policy.Covers((int)code))
        && (HttpCode is not { } status || policy.CoversHttp(status));
}
