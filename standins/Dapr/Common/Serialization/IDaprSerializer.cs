namespace Dapr.Common.Serialization;

/// <summary>Turns workflow and activity payloads into text, and back.</summary>
public interface IDaprSerializer
{
    /// <summary>Writes a value as its static type.</summary>
    string Serialize<T>(T value);

    /// <summary>Writes a value as a given type, or as what it is.</summary>
    string Serialize(object? value, Type? inputType = null);

    /// <summary>Reads a value; absent text gives the type's default.</summary>
    T? Deserialize<T>(string? data);

    /// <summary>Reads a value of a type known at run time; absent text gives null.</summary>
    object? Deserialize(string? data, Type returnType);
}
