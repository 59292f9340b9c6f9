namespace Dapr.Client;

public abstract partial class DaprClient
{
    /// <summary>Publishes a value as JSON.</summary>
    public abstract Task PublishEventAsync<TData>(
        string pubsubName,
        string topicName,
        TData data,
        CancellationToken cancellationToken = default
    );

    /// <summary>Publishes a value as JSON, with broker or envelope settings.</summary>
    public abstract Task PublishEventAsync<TData>(
        string pubsubName,
        string topicName,
        TData data,
        Dictionary<string, string> metadata,
        CancellationToken cancellationToken = default
    );

    /// <summary>Publishes an event without a payload.</summary>
    public abstract Task PublishEventAsync(
        string pubsubName,
        string topicName,
        CancellationToken cancellationToken = default
    );

    /// <summary>Publishes an event without a payload, with broker or envelope settings.</summary>
    public abstract Task PublishEventAsync(
        string pubsubName,
        string topicName,
        Dictionary<string, string> metadata,
        CancellationToken cancellationToken = default
    );

    /// <summary>Publishes many values at once. Some may have gone out when it fails.</summary>
    public abstract Task<BulkPublishResponse<TValue>> BulkPublishEventAsync<TValue>(
        string pubsubName,
        string topicName,
        IReadOnlyList<TValue> events,
        Dictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Publishes bytes as they are.</summary>
    public abstract Task PublishByteEventAsync(
        string pubsubName,
        string topicName,
        ReadOnlyMemory<byte> data,
        string dataContentType = "application/json",
        Dictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Invokes an output binding.</summary>
    public abstract Task InvokeBindingAsync<TRequest>(
        string bindingName,
        string operation,
        TRequest data,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Invokes an output binding and reads its JSON answer.</summary>
    public abstract Task<TResponse> InvokeBindingAsync<TRequest, TResponse>(
        string bindingName,
        string operation,
        TRequest data,
        IReadOnlyDictionary<string, string>? metadata = default,
        CancellationToken cancellationToken = default
    );

    /// <summary>Invokes an output binding, bytes in and bytes out.</summary>
    public abstract Task<BindingResponse> InvokeBindingAsync(
        BindingRequest request,
        CancellationToken cancellationToken = default
    );
}
