using System.Collections;
using System.Collections.Concurrent;
using Google.Api;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Souk.Options.V1;
using Souk.Type;

namespace Souk.Shared;

/// <summary>
/// Enforces what a contract says about a request's fields: REQUIRED is present, OUTPUT_ONLY is cleared, texts
/// and lists are bounded, instants are possible. Built once per message type. A number that is REQUIRED is
/// not checked: proto3 cannot tell 0 from absent.
/// </summary>
internal sealed class MessageCheck
{
    private const int DepthMax = 32;

    private static readonly ConcurrentDictionary<MessageDescriptor, MessageCheck> Known = new();

    private readonly FieldCheck[] _fields;
    private readonly FieldDescriptor? _mask;

    private MessageCheck(MessageDescriptor descriptor)
    {
        var fields = descriptor.Fields.InDeclarationOrder();
        _fields = [.. fields.Select(field => new FieldCheck(field)).Where(check => check.Matters)];
        _mask = fields.FirstOrDefault(field =>
            field is { FieldType: FieldType.Message, IsRepeated: false }
            && field.MessageType == FieldMask.Descriptor
        );
    }

    internal static MessageCheck Of(MessageDescriptor descriptor) =>
        Known.GetOrAdd(descriptor, static known => new MessageCheck(known));

    /// <summary>
    /// Clears and checks a request; INVALID_ARGUMENT with its violations when there are any.
    /// </summary>
    internal void Apply(IMessage request)
    {
        // With a mask, a partial update sends only the fields it changes: the service checks the merged
        // resource.
        var findings = new Findings(_mask?.Accessor.GetValue(request) is FieldMask { Paths.Count: > 0 });
        Apply(request, "", 0, ref findings);
        findings.ThrowIfAny();
    }

    internal void Apply(IMessage message, string path, int depth, ref Findings findings)
    {
        if (depth > DepthMax)
        {
            findings.Add(path, "is nested too deeply");
            return;
        }
        foreach (var field in _fields)
            field.Apply(message, path, depth, ref findings);
    }

    /// <summary>What was found wrong so far.</summary>
    internal struct Findings(bool isPartial)
    {
        private const int ViolationsMax = 20;

        private List<Violation>? _violations;
        private Reason _reason = Reason.InvalidField;

        internal void Add(string path, string problem)
        {
            _violations ??= [];
            if (_violations.Count < ViolationsMax)
                _violations.Add(new Violation(path, problem));
        }

        internal void AddMissing(string path, int depth, Reason reason)
        {
            if (isPartial && depth > 0)
                return;
            _reason = reason;
            Add(path, "is required");
        }

        internal readonly void ThrowIfAny()
        {
            if (_violations is not null)
                throw Fault.InvalidArgument(_reason, _violations);
        }
    }

    /// <summary>One field's rules.</summary>
    private sealed class FieldCheck
    {
        private const int TextMax = 10_000;
        private const int EntriesMax = 1000;

        // Of the years 1 to 9999, as google.protobuf.Timestamp is defined.
        private const long SecondsMin = -62_135_596_800;
        private const long SecondsMax = 253_402_300_799;
        private const int NanosMax = 999_999_999;

        private readonly FieldDescriptor _field;
        private readonly bool _isRequired;
        private readonly bool _isOutput;
        private readonly Reason _whenMissing;
        private readonly int _max;

        // Made on first use: message types may contain themselves.
        private readonly Lazy<MessageCheck>? _inner;

        internal FieldCheck(FieldDescriptor field)
        {
            var behaviors = field.GetOptions()?.GetExtension(FieldBehaviorExtensions.FieldBehavior);
            var max = (int)(field.GetOptions()?.GetExtension(OptionsExtensions.MaxSize) ?? 0);
            _field = field;
            _isRequired = behaviors?.Contains(FieldBehavior.Required) ?? false;
            _isOutput = behaviors?.Contains(FieldBehavior.OutputOnly) ?? false;
            _whenMissing = IsIdempotencyKey(field) ? Reason.IdempotencyKeyRequired : Reason.FieldRequired;
            _max =
                max > 0 ? max
                : IsList ? EntriesMax
                : TextMax;
            if (field.FieldType == FieldType.Message && !field.IsMap && !IsWellKnown(field.MessageType))
                _inner = new Lazy<MessageCheck>(() => Of(field.MessageType));
        }

        internal bool Matters =>
            _isOutput
            || _inner is not null
            || IsList
            || IsInstant
            || _field.FieldType is FieldType.String or FieldType.Bytes
            || (_isRequired && (_field.HasPresence || _field.FieldType == FieldType.Enum));

        private bool IsList => _field.IsRepeated || _field.IsMap;

        private bool IsInstant =>
            _field is { FieldType: FieldType.Message, IsMap: false }
            && _field.MessageType == Timestamp.Descriptor;

        internal void Apply(IMessage message, string path, int depth, ref Findings findings)
        {
            if (_isOutput)
            {
                _field.Accessor.Clear(message);
                return;
            }
            var value = _field.Accessor.GetValue(message);
            if (_isRequired && IsAbsent(message, value))
                findings.AddMissing(Name(path), depth, _whenMissing);
            else if (value is string text)
                CheckText(text, _max, path, ref findings);
            else if (value is ICollection entries)
                ApplyToEntries(entries, path, depth, ref findings);
            else if (value is Timestamp instant)
                CheckInstant(instant, path, ref findings);
            else if (value is IMessage inner)
                _inner?.Value.Apply(inner, Name(path), depth + 1, ref findings);
        }

        private void ApplyToEntries(ICollection entries, string path, int depth, ref Findings findings)
        {
            if (entries.Count > _max)
            {
                findings.Add(Name(path), $"must have at most {_max} entries");
                return;
            }
            var index = 0;
            foreach (var entry in entries)
            {
                if (entry is string text)
                    CheckText(text, TextMax, path, ref findings);
                else if (entry is IMessage inner && _inner is not null)
                    _inner.Value.Apply(inner, $"{Name(path)}[{index}]", depth + 1, ref findings);
                index++;
            }
        }

        private void CheckText(string text, int max, string path, ref Findings findings)
        {
            if (text.Length > max)
                findings.Add(Name(path), $"must have at most {max} characters");
            // PostgreSQL cannot store it in a text, and nobody types it.
            else if (text.Contains('\0', StringComparison.Ordinal))
                findings.Add(Name(path), "must not contain the character U+0000");
        }

        // Code that reads one would throw, and the caller be told that the fault was ours.
        private void CheckInstant(Timestamp instant, string path, ref Findings findings)
        {
            if (instant.Seconds is < SecondsMin or > SecondsMax || instant.Nanos is < 0 or > NanosMax)
                findings.Add(Name(path), "must be an instant of the years 1 to 9999");
        }

        private bool IsAbsent(IMessage message, object? value) =>
            value switch
            {
                null => true,
                string text => text.Length == 0,
                ByteString bytes => bytes.IsEmpty,
                ICollection entries => entries.Count == 0,
                _ when _field.HasPresence => !_field.Accessor.HasValue(message),
                _ when _field.FieldType == FieldType.Enum => Convert.ToInt32(value, null) == 0,
                _ => false,
            };

        private string Name(string path) => path.Length == 0 ? _field.Name : $"{path}.{_field.Name}";

        // The gateway gives the same reason for the header's absence.
        private static bool IsIdempotencyKey(FieldDescriptor field) =>
            field.GetOptions()?.GetExtension(OptionsExtensions.Header)?.Name == "Idempotency-Key";

        private static bool IsWellKnown(MessageDescriptor type) =>
            type.FullName.StartsWith("google.protobuf.", StringComparison.Ordinal);
    }
}
