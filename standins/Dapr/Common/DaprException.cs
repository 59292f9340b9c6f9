namespace Dapr;

/// <summary>A call to the sidecar failed; the inner exception is the gRPC or HTTP failure.</summary>
[Serializable]
public class DaprException : Exception
{
    /// <summary>Makes a failure without a cause.</summary>
    public DaprException(string message)
        : base(message) { }

    /// <summary>Makes a failure with its cause.</summary>
    public DaprException(string message, Exception innerException)
        : base(message, innerException) { }
}
