namespace Dapr.Client;

/// <summary>An operation on an output binding.</summary>
public sealed class BindingRequest
{
    /// <summary>Names the binding and the operation.</summary>
    public BindingRequest(string bindingName, string operation)
    {
        ArgumentException.ThrowIfNullOrEmpty(bindingName);
        ArgumentException.ThrowIfNullOrEmpty(operation);
        BindingName = bindingName;
        Operation = operation;
    }

    /// <summary>The binding.</summary>
    public string BindingName { get; }

    /// <summary>What to do.</summary>
    public string Operation { get; }

    /// <summary>What to do it with.</summary>
    public ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>Binding specific settings.</summary>
    public Dictionary<string, string> Metadata { get; } = [];
}

/// <summary>What an output binding gave back.</summary>
public sealed class BindingResponse(
    BindingRequest request,
    ReadOnlyMemory<byte> data,
    IDictionary<string, string> metadata
)
{
    /// <summary>What was asked.</summary>
    public BindingRequest Request { get; } = request;

    /// <summary>The answer.</summary>
    public ReadOnlyMemory<byte> Data { get; } = data;

    /// <summary>What the binding says about it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; } = metadata.AsReadOnly();
}
