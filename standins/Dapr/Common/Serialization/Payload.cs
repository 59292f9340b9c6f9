namespace Dapr.Common.Serialization;

/// <summary>
/// Where "absent" meets signatures that promise a value. The official API says <c>Task&lt;T&gt;</c> where
/// null can come out; whoever expects that asks for a nullable T, so the warnings are off here and nowhere
/// else.
/// </summary>
internal static class Payload
{
#nullable disable warnings
    /// <summary>Reads a value; absent text gives the type's default.</summary>
    internal static T Read<T>(this IDaprSerializer serializer, string? data) =>
        typeof(T) == typeof(Nothing) ? default : serializer.Deserialize<T>(data);

    /// <summary>Unboxes a value; null gives the type's default.</summary>
    internal static T As<T>(object? value) => value is null ? default : (T)value;

#nullable restore warnings

    /// <summary>Writes a value as what it is; null stays absent.</summary>
    internal static string? Write(this IDaprSerializer serializer, object? value) =>
        value is null ? null : serializer.Serialize(value, value.GetType());

    /// <summary>The result of a task whose caller does not look at it: nothing is parsed.</summary>
    internal readonly struct Nothing;
}
