using System.Globalization;
using Dapr.Common;
using Google.Protobuf;
using Wire = Dapr.Client.Autogen.Grpc.v1;

namespace Dapr.Client;

internal sealed partial class DaprClientGrpc
{
    private const string JsonContentType = "application/json";
    private const string CloudEventContentType = "application/cloudevents+json";

    /// <inheritdoc/>
    public override Task PublishEventAsync<TData>(
        string pubsubName,
        string topicName,
        TData data,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(data);
        var bytes = JsonPayload.Write(data, json);
        return PublishAsync(
            pubsubName,
            topicName,
            bytes,
            ContentTypeOf(data),
            metadata: null,
            cancellationToken
        );
    }

    /// <inheritdoc/>
    public override Task PublishEventAsync<TData>(
        string pubsubName,
        string topicName,
        TData data,
        Dictionary<string, string> metadata,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(metadata);
        var bytes = JsonPayload.Write(data, json);
        return PublishAsync(pubsubName, topicName, bytes, ContentTypeOf(data), metadata, cancellationToken);
    }

    /// <inheritdoc/>
    public override Task PublishEventAsync(
        string pubsubName,
        string topicName,
        CancellationToken cancellationToken = default
    ) => PublishAsync(pubsubName, topicName, ByteString.Empty, JsonContentType, null, cancellationToken);

    /// <inheritdoc/>
    public override Task PublishEventAsync(
        string pubsubName,
        string topicName,
        Dictionary<string, string> metadata,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return PublishAsync(
            pubsubName,
            topicName,
            ByteString.Empty,
            JsonContentType,
            metadata,
            cancellationToken
        );
    }

    /// <inheritdoc/>
    public override Task PublishByteEventAsync(
        string pubsubName,
        string topicName,
        ReadOnlyMemory<byte> data,
        string dataContentType = JsonContentType,
        Dictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var bytes = UnsafeByteOperations.UnsafeWrap(data);
        return PublishAsync(pubsubName, topicName, bytes, dataContentType, metadata, cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<BulkPublishResponse<TValue>> BulkPublishEventAsync<TValue>(
        string pubsubName,
        string topicName,
        IReadOnlyList<TValue> events,
        Dictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(pubsubName);
        ArgumentException.ThrowIfNullOrEmpty(topicName);
        RequireSome(events);
        var request = new Wire.BulkPublishRequest { PubsubName = pubsubName, Topic = topicName };
        Copy(metadata, request.Metadata);
        foreach (var data in events)
            request.Entries.Add(
                new Wire.BulkPublishRequestEntry
                {
                    EntryId = request.Entries.Count.ToString(CultureInfo.InvariantCulture),
                    Event = JsonPayload.Write(data, json),
                    ContentType = ContentTypeOf(data),
                }
            );

        var answer = await CallAsync(
            _sidecar.BulkPublishEventAsync(request, Options(cancellationToken)),
            "BulkPublishEvent"
        );
        var failed = answer.FailedEntries.Select(entry =>
        {
            var index = int.Parse(entry.EntryId, CultureInfo.InvariantCulture);
            var sent = new BulkPublishEntry<TValue>(
                entry.EntryId,
                events[index],
                ContentTypeOf(events[index])
            );
            return new BulkPublishResponseFailedEntry<TValue>(sent, entry.Error);
        });
        return new BulkPublishResponse<TValue>([.. failed]);
    }

    /// <inheritdoc/>
    public override async Task InvokeBindingAsync<TRequest>(
        string bindingName,
        string operation,
        TRequest data,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    ) => await BindAsync(bindingName, operation, JsonPayload.Write(data, json), metadata, cancellationToken);

    /// <inheritdoc/>
    public override async Task<TResponse> InvokeBindingAsync<TRequest, TResponse>(
        string bindingName,
        string operation,
        TRequest data,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    )
    {
        var bytes = JsonPayload.Write(data, json);
        var answer = await BindAsync(bindingName, operation, bytes, metadata, cancellationToken);
        return ReadJson<TResponse>(answer.Data, bindingName);
    }

    /// <inheritdoc/>
    public override async Task<BindingResponse> InvokeBindingAsync(
        BindingRequest request,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        var answer = await BindAsync(
            request.BindingName,
            request.Operation,
            UnsafeByteOperations.UnsafeWrap(request.Data),
            request.Metadata,
            cancellationToken
        );
        return new BindingResponse(request, answer.Data.Memory, answer.Metadata);
    }

    private Task<Wire.InvokeBindingResponse> BindAsync(
        string bindingName,
        string operation,
        ByteString data,
        IReadOnlyDictionary<string, string>? metadata,
        CancellationToken cancellationToken
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(bindingName);
        ArgumentException.ThrowIfNullOrEmpty(operation);
        var request = new Wire.InvokeBindingRequest
        {
            Name = bindingName,
            Operation = operation,
            Data = data,
        };
        Copy(metadata, request.Metadata);
        return CallAsync(_sidecar.InvokeBindingAsync(request, Options(cancellationToken)), "InvokeBinding");
    }

    private Task PublishAsync(
        string pubsubName,
        string topicName,
        ByteString data,
        string contentType,
        Dictionary<string, string>? metadata,
        CancellationToken cancellationToken
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(pubsubName);
        ArgumentException.ThrowIfNullOrEmpty(topicName);
        var request = new Wire.PublishEventRequest
        {
            PubsubName = pubsubName,
            Topic = topicName,
            Data = data,
            DataContentType = contentType,
        };
        Copy(metadata, request.Metadata);
        return CallAsync(_sidecar.PublishEventAsync(request, Options(cancellationToken)), "PublishEvent");
    }

    private static string ContentTypeOf<TData>(TData data) =>
        data is CloudEvent ? CloudEventContentType : JsonContentType;
}
