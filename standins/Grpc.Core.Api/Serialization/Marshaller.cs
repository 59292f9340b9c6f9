namespace Grpc.Core;

/// <summary>
/// Turns messages of one type into bytes and back. Built from either pair of functions, it offers both: the
/// other pair is derived, once, here.
/// </summary>
public class Marshaller<T>
{
    /// <summary>Builds on functions over arrays: simple, at the price of a copy each way.</summary>
    public Marshaller(Func<T, byte[]> serializer, Func<byte[], T> deserializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentNullException.ThrowIfNull(deserializer);
        Serializer = serializer;
        Deserializer = deserializer;
        ContextualSerializer = (message, context) => context.Complete(serializer(message));
        ContextualDeserializer = context => deserializer(context.PayloadAsNewBuffer());
    }

    /// <summary>
    /// Builds on functions over the transport's own buffers, which is what generated code does.
    /// </summary>
    public Marshaller(
        Action<T, SerializationContext> serializer,
        Func<DeserializationContext, T> deserializer
    )
    {
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentNullException.ThrowIfNull(deserializer);
        ContextualSerializer = serializer;
        ContextualDeserializer = deserializer;
        Serializer = message =>
        {
            var context = new ArraySerializationContext();
            serializer(message, context);
            return context.Payload;
        };
        Deserializer = payload => deserializer(new ArrayDeserializationContext(payload));
    }

    /// <summary>Message to array.</summary>
    public Func<T, byte[]> Serializer { get; }

    /// <summary>Array to message.</summary>
    public Func<byte[], T> Deserializer { get; }

    /// <summary>Message to the transport's buffer.</summary>
    public Action<T, SerializationContext> ContextualSerializer { get; }

    /// <summary>The transport's buffer to message.</summary>
    public Func<DeserializationContext, T> ContextualDeserializer { get; }
}
