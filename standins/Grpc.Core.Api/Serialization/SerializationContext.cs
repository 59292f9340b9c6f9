using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// Where a serializer puts one message: either all at once with <see cref="Complete(byte[])" />, or piece by
/// piece into
/// <see cref="GetBufferWriter" /> followed by <see cref="Complete()" />.
/// </summary>
public abstract class SerializationContext
{
    /// <summary>For derived classes.</summary>
    protected SerializationContext() { }

    /// <summary>The message is this array, which now belongs to the context.</summary>
    public virtual void Complete(byte[] payload) => throw Missing(nameof(Complete));

    /// <summary>The message is what was written to the buffer.</summary>
    public virtual void Complete() => throw Missing(nameof(Complete));

    /// <summary>The buffer for a message written in pieces.</summary>
    public virtual IBufferWriter<byte> GetBufferWriter() => throw Missing(nameof(GetBufferWriter));

    /// <summary>
    /// Announces the exact size before the first piece, which saves the context from buffering twice.
    /// </summary>
    public virtual void SetPayloadLength(int payloadLength) => throw Missing(nameof(SetPayloadLength));

    private NotSupportedException Missing(string member) => new($"{GetType().Name} does not offer {member}.");
}

/// <summary>
/// Where a deserializer gets one message from. Valid only during the call of the deserializer.
/// </summary>
public abstract class DeserializationContext
{
    /// <summary>For derived classes.</summary>
    protected DeserializationContext() { }

    /// <summary>The size of the message in bytes.</summary>
    public abstract int PayloadLength { get; }

    /// <summary>The message as a new array, which the caller may keep.</summary>
    public virtual byte[] PayloadAsNewBuffer() =>
        throw new NotSupportedException($"{GetType().Name} does not offer {nameof(PayloadAsNewBuffer)}.");

    /// <summary>The message without a copy where the context can do that; it is not to be kept.</summary>
    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(PayloadAsNewBuffer());
}
