using System.Buffers;

namespace Grpc.Core;

/// <summary>Collects what a serializer writes into one array.</summary>
internal sealed class ArraySerializationContext : SerializationContext
{
    private ArrayBufferWriter<byte>? _buffer;
    private int _sizeHint;
    private byte[]? _payload;

    /// <summary>The message, once the serializer has completed it.</summary>
    public byte[] Payload =>
        _payload
        ?? throw new InvalidOperationException("The serializer returned without completing the message.");

    public override void SetPayloadLength(int payloadLength) => _sizeHint = payloadLength;

    public override IBufferWriter<byte> GetBufferWriter() =>
        _buffer ??= _sizeHint > 0 ? new ArrayBufferWriter<byte>(_sizeHint) : new ArrayBufferWriter<byte>();

    public override void Complete(byte[] payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        _payload = payload;
    }

    public override void Complete() => _payload = _buffer is null ? [] : _buffer.WrittenSpan.ToArray();
}

/// <summary>Offers an array to a deserializer.</summary>
internal sealed class ArrayDeserializationContext(byte[] payload) : DeserializationContext
{
    public override int PayloadLength => payload.Length;

    public override byte[] PayloadAsNewBuffer() => payload.AsSpan().ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(payload);
}
