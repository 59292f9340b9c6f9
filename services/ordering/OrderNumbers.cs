namespace Souk.Ordering;

/// <summary>Order numbers for people: sixty random bits of the order's UUID in letters that cannot be
/// mistaken.</summary>
internal static class OrderNumbers
{
    // Crockford's base 32: no I, L, O or U.
    private const string Digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Length = 12;

    /// <summary>The number of an order, such as "SO-7Q2M-4K9D-X1CV".</summary>
    public static string Of(Guid orderId)
    {
        // The last 8 bytes of a UUIDv7 are random but for its 2 variant bits, which the 60 low bits leave
        // out.
        var bytes = orderId.ToByteArray(bigEndian: true);
        var bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(8));
        Span<char> text = stackalloc char[Length];
        for (var i = Length - 1; i >= 0; i--)
        {
            text[i] = Digits[(int)(bits & 31)];
            bits >>= 5;
        }

        return $"SO-{text[..4]}-{text[4..8]}-{text[8..]}";
    }
}
