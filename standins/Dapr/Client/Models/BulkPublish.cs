namespace Dapr.Client;

/// <summary>One event of a bulk publication.</summary>
public class BulkPublishEntry<TValue>(
    string entryId,
    TValue eventData,
    string contentType,
    IReadOnlyDictionary<string, string>? metadata = default
)
{
    /// <summary>Its id within the publication.</summary>
    public string EntryId { get; } = entryId;

    /// <summary>What was published.</summary>
    public TValue EventData { get; } = eventData;

    /// <summary>How it was encoded.</summary>
    public string ContentType { get; } = contentType;

    /// <summary>Broker specific settings.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; } = metadata;
}

/// <summary>An event that did not go out, and why.</summary>
public class BulkPublishResponseFailedEntry<TValue>(BulkPublishEntry<TValue> entry, string errorMessage)
{
    /// <summary>The event.</summary>
    public BulkPublishEntry<TValue> Entry { get; } = entry;

    /// <summary>Why it did not go out.</summary>
    public string ErrorMessage { get; } = errorMessage;
}

/// <summary>How a bulk publication went.</summary>
public class BulkPublishResponse<TValue>(List<BulkPublishResponseFailedEntry<TValue>> failedEntries)
{
    /// <summary>The events that did not go out.</summary>
    public List<BulkPublishResponseFailedEntry<TValue>> FailedEntries { get; } = failedEntries;
}
