using System.Buffers;
using System.Text;

namespace Grpc.Core;

public sealed partial class Metadata
{
    /// <summary>One key and its value, text or bytes. Immutable.</summary>
    public class Entry
    {
        private static readonly SearchValues<char> KeyChars = SearchValues.Create(
            "abcdefghijklmnopqrstuvwxyz0123456789-_."
        );

        // Exactly one of the two is set.
        private readonly string? _text;
        private readonly byte[]? _bytes;

        /// <summary>Creates a binary entry from a copy of the bytes.</summary>
        public Entry(string key, byte[] valueBytes)
        {
            ArgumentNullException.ThrowIfNull(valueBytes);
            Key = Normalize(key);
            if (!IsBinary)
                throw new ArgumentException(
                    $"The key of a binary value ends in {BinaryHeaderSuffix}.",
                    nameof(key)
                );
            _bytes = valueBytes.AsSpan().ToArray();
        }

        /// <summary>Creates a text entry; only ASCII survives the wire.</summary>
        public Entry(string key, string value)
        {
            ArgumentNullException.ThrowIfNull(value);
            Key = Normalize(key);
            if (IsBinary)
                throw new ArgumentException(
                    $"A key that ends in {BinaryHeaderSuffix} needs bytes.",
                    nameof(key)
                );
            _text = value;
        }

        /// <summary>The key, always in lower case.</summary>
        public string Key { get; }

        /// <summary>
        /// The value as bytes; a copy, so that the entry stays as it is. Text gives its ASCII bytes.
        /// </summary>
        public byte[] ValueBytes =>
            _bytes is null ? Encoding.ASCII.GetBytes(Value) : _bytes.AsSpan().ToArray();

        /// <summary>The value as text; a binary entry has none.</summary>
        public string Value => _text ?? throw new InvalidOperationException($"The value of {Key} is binary.");

        /// <summary>Whether the value is bytes, which the key alone decides.</summary>
        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        /// <inheritdoc />
        public override string ToString() =>
            _bytes is null
                ? $"[Entry: key={Key}, value={_text}]"
                : $"[Entry: key={Key}, valueBytes={Convert.ToBase64String(_bytes)}]";

        // Nearly every key arrives in lower case, so the first scan is mostly the only one and nothing is
        // allocated.
        private static string Normalize(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            if (!key.AsSpan().ContainsAnyExcept(KeyChars) && key.Length > 0)
                return key;
            var lower = key.ToLowerInvariant();
            if (lower.Length == 0 || lower.AsSpan().ContainsAnyExcept(KeyChars))
                throw new ArgumentException(
                    "A metadata key has only letters, digits, hyphens, underscores and dots.",
                    nameof(key)
                );
            return lower;
        }
    }
}
