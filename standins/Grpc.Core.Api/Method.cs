namespace Grpc.Core;

/// <summary>Which side of a call sends a stream of messages rather than one.</summary>
public enum MethodType
{
    /// <summary>One request, one response.</summary>
    Unary = 0,

    /// <summary>Many requests, one response.</summary>
    ClientStreaming = 1,

    /// <summary>One request, many responses.</summary>
    ServerStreaming = 2,

    /// <summary>Many of both, independent of each other.</summary>
    DuplexStreaming = 3,
}

/// <summary>A remote method without its message types.</summary>
public interface IMethod
{
    /// <summary>Who streams.</summary>
    MethodType Type { get; }

    /// <summary>The service with its proto package.</summary>
    string ServiceName { get; }

    /// <summary>The method within its service.</summary>
    string Name { get; }

    /// <summary>The path on the wire: <c>/service/method</c>.</summary>
    string FullName { get; }
}

/// <summary>
/// A remote method and how its messages become bytes. Created once per method and shared by all calls.
/// </summary>
public class Method<TRequest, TResponse> : IMethod
{
    /// <summary>Describes a method.</summary>
    public Method(
        MethodType type,
        string serviceName,
        string name,
        Marshaller<TRequest> requestMarshaller,
        Marshaller<TResponse> responseMarshaller
    )
    {
        ArgumentNullException.ThrowIfNull(serviceName);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(requestMarshaller);
        ArgumentNullException.ThrowIfNull(responseMarshaller);
        Type = type;
        ServiceName = serviceName;
        Name = name;
        RequestMarshaller = requestMarshaller;
        ResponseMarshaller = responseMarshaller;
        FullName = $"/{serviceName}/{name}";
    }

    /// <inheritdoc />
    public MethodType Type { get; }

    /// <inheritdoc />
    public string ServiceName { get; }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public string FullName { get; }

    /// <summary>Turns requests into bytes and back.</summary>
    public Marshaller<TRequest> RequestMarshaller { get; }

    /// <summary>Turns responses into bytes and back.</summary>
    public Marshaller<TResponse> ResponseMarshaller { get; }
}
