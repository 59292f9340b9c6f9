namespace Souk.Gateway.Transcoding;

/// <summary>How a message looks in JSON. All but <see cref="Fields"/> have a form of their own.</summary>
internal enum MessageShape
{
    Fields,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    Wrapper,
    Any,
    Money,
}

/// <summary>All that transcoding must know of one message type.</summary>
internal sealed class MessagePlan(string fullName, MessageShape shape)
{
    private const int DirectNumbersMax = 256;

    private NameTable<FieldPlan> _byName = new([]);
    private FieldPlan?[] _byNumber = [];
    private Dictionary<int, FieldPlan> _byLargeNumber = [];

    public string FullName { get; } = fullName;
    public MessageShape Shape { get; } = shape;

    /// <summary>The fields in the order of their declaration.</summary>
    public FieldPlan[] Fields { get; private set; } = [];

    /// <summary>Flags that tell which fields and oneofs of one JSON object were met.</summary>
    public int SeenFlags { get; private set; }

    /// <summary>Resolves the type of an Any; the same for all plans of one compiler.</summary>
    public required PlanCompiler Types { get; init; }

    /// <summary>Second step of construction, because messages contain each other.</summary>
    public void Complete(FieldPlan[] fields, int oneofs)
    {
        Fields = fields;
        SeenFlags = fields.Length + oneofs;
        _byName = NamesOf(fields);
        var largest = fields.Length == 0 ? 0 : Math.Min(fields.Max(field => field.Number), DirectNumbersMax);
        _byNumber = new FieldPlan?[largest + 1];
        foreach (var field in fields.Where(field => field.Number <= largest))
            _byNumber[field.Number] = field;
        _byLargeNumber = fields.Where(field => field.Number > largest).ToDictionary(field => field.Number);
    }

    public FieldPlan? Find(ReadOnlySpan<byte> name) => _byName.Find(name);

    public FieldPlan? Find(string name) =>
        Array.Find(Fields, field => field.Name == name)
        ?? Array.Find(Fields, field => field.CamelName == name);

    public FieldPlan? Find(int number) =>
        (uint)number < (uint)_byNumber.Length ? _byNumber[number] : _byLargeNumber.GetValueOrDefault(number);

    /// <summary>The same message without some of its fields, for a body that others complete.</summary>
    public MessagePlan Without(IReadOnlyCollection<FieldPlan> excluded) =>
        excluded.Count == 0
            ? this
            : new MessagePlan(FullName, Shape)
            {
                Types = Types,
                Fields = Fields,
                SeenFlags = SeenFlags,
                _byName = NamesOf(Fields.Except(excluded)),
                _byNumber = _byNumber,
                _byLargeNumber = _byLargeNumber,
            };

    private static NameTable<FieldPlan> NamesOf(IEnumerable<FieldPlan> fields)
    {
        var readable = fields.Where(field => !field.IsHidden).ToArray();
        var names = readable.Select(field => KeyValuePair.Create(field.Name, field));
        return new(names.Concat(readable.Select(field => KeyValuePair.Create(field.CamelName, field))));
    }
}
