using System.Collections.Concurrent;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using Souk.Tests.Harness;
using DaprApi = Dapr.Client.Autogen.Grpc.v1.Dapr;
using Verdict = Dapr.AppCallback.Autogen.Grpc.v1.TopicEventResponse.Types.TopicEventResponseStatus;

namespace Souk.Tests.Sidecar;

/// <summary>A subscription by stream that notes what it gets and answers as the test says.</summary>
internal sealed class TopicStream : IAsyncDisposable
{
    private readonly AsyncDuplexStreamingCall<
        SubscribeTopicEventsRequestAlpha1,
        SubscribeTopicEventsResponseAlpha1
    > _call;
    private readonly ConcurrentQueue<TopicEventRequest> _events = new();
    private readonly SemaphoreSlim _writing = new(1);

    private TopicStream(DaprApi.DaprClient client) => _call = client.SubscribeTopicEventsAlpha1();

    /// <summary>What the stream answers, null for nothing; by default it takes everything.</summary>
    internal Func<TopicEventRequest, Verdict?> Answer { get; set; } = _ => Verdict.Success;

    internal IReadOnlyList<TopicEventRequest> Events => [.. _events];

    /// <summary>Ends with the stream, as it does.</summary>
    internal Task Reading { get; private set; } = Task.CompletedTask;

    internal static SubscribeTopicEventsRequestInitialAlpha1 To(
        string topic,
        string? deadLetter = null,
        bool raw = false
    )
    {
        var initial = new SubscribeTopicEventsRequestInitialAlpha1 { PubsubName = "pubsub", Topic = topic };
        if (deadLetter is not null)
            initial.DeadLetterTopic = deadLetter;
        if (raw)
            initial.Metadata.Add("rawPayload", "true");
        return initial;
    }

    /// <summary>Subscribes and returns when the sidecar has confirmed it.</summary>
    internal static async Task<TopicStream> OpenAsync(
        DaprApi.DaprClient client,
        SubscribeTopicEventsRequestInitialAlpha1 initial,
        Func<TopicEventRequest, Verdict?>? answer = null
    )
    {
        var stream = new TopicStream(client);
        if (answer is not null)
            stream.Answer = answer;
        try
        {
            await stream.SendAsync(new SubscribeTopicEventsRequestAlpha1 { InitialRequest = initial });
            Assert.That(await stream._call.ResponseStream.MoveNext(), "no answer to the initial request");
            Assert.That(stream._call.ResponseStream.Current.InitialResponse, Is.Not.Null);
        }
        catch
        {
            stream.Cut();
            throw;
        }
        stream.Reading = stream.ReadAsync();
        return stream;
    }

    /// <summary>Sends one message and returns how the stream ends.</summary>
    internal static async Task<RpcException> RefusalAsync(
        DaprApi.DaprClient client,
        SubscribeTopicEventsRequestAlpha1 first
    )
    {
        await using var stream = new TopicStream(client);
        await stream.SendAsync(first);
        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
            await stream._call.ResponseStream.MoveNext(CancellationToken.None)
        );
        return failure!;
    }

    internal async Task SendAsync(SubscribeTopicEventsRequestAlpha1 message)
    {
        await _writing.WaitAsync();
        try
        {
            await _call.RequestStream.TryWriteAsync(message);
        }
        finally
        {
            _writing.Release();
        }
    }

    internal Task ProcessAsync(string id, Verdict verdict) =>
        SendAsync(
            new SubscribeTopicEventsRequestAlpha1
            {
                EventProcessed = new SubscribeTopicEventsRequestProcessedAlpha1
                {
                    Id = id,
                    Status = new TopicEventResponse { Status = verdict },
                },
            }
        );

    internal async Task<IReadOnlyList<TopicEventRequest>> UntilAsync(int count)
    {
        _ = Eventually.Watch(Reading);
        await Eventually.ThatAsync(() => _events.Count >= count, $"{count} events");
        return Events;
    }

    /// <summary>Ends the stream as a client does that has no more to say.</summary>
    internal async Task CompleteAsync()
    {
        await _call.RequestStream.CompleteAsync();
        await Reading;
    }

    /// <summary>Breaks the stream off, as a crash would.</summary>
    internal void Cut() => _call.Dispose();

    public async ValueTask DisposeAsync()
    {
        _call.Dispose();
        try
        {
            await Reading;
        }
        catch (Exception e) when (e is RpcException or ObjectDisposedException)
        {
            // Cut off while reading or answering; a test that cares awaits the reading itself.
        }
    }

    private async Task ReadAsync()
    {
        while (await _call.ResponseStream.MoveNext())
        {
            var received = _call.ResponseStream.Current.EventMessage;
            _events.Enqueue(received);
            if (Answer(received) is { } verdict)
                await ProcessAsync(received.Id, verdict);
        }
    }
}
