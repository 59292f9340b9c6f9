using System.Globalization;
using System.Reflection;

namespace Souk.Tests.Standins;

using Type = System.Type; // Souk.Type is the namespace of the contracts' common types

/// <summary>
/// Writes the public surface of an assembly as text: a line per type, an indented line per member.
/// </summary>
internal static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly
        | BindingFlags.Public
        | BindingFlags.NonPublic
        | BindingFlags.Instance
        | BindingFlags.Static;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
    };

    public static IEnumerable<string> Of(Assembly assembly) => Of(assembly.GetExportedTypes());

    public static IEnumerable<string> Of(IEnumerable<Type> types)
    {
        foreach (var type in types)
        {
            yield return Header(type);
            foreach (var member in type.IsSubclassOf(typeof(Delegate)) ? [] : Members(type))
                yield return $"{Name(type)}: {member}";
        }
    }

    private static string Header(Type type)
    {
        if (type.IsSubclassOf(typeof(Delegate)))
            return $"{type.Namespace}: delegate {Signature(type.GetMethod("Invoke")!, Name(type))}";
        var parents = type.GetInterfaces().Select(Name).Order(StringComparer.Ordinal).ToList();
        var own =
            type.BaseType is null || type.BaseType == typeof(object) || type.IsValueType
                ? ""
                : $" : {Name(type.BaseType)}";
        var implements = parents.Count == 0 ? "" : $" implements {string.Join(", ", parents)}";
        return $"{type.Namespace}: {Kind(type)} {Name(type)}{own}{implements}";
    }

    private static string Kind(Type type) =>
        type switch
        {
            { IsInterface: true } => "interface",
            { IsEnum: true } => "enum",
            { IsValueType: true } => "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{name}={(int)Enum.Parse(type, name)}");
        var fields = type.GetFields(Declared).Where(f => f.IsPublic).Select(Field);
        var constructors = type.GetConstructors(Declared)
            .Where(c => !c.IsStatic && Visible(c))
            .Select(c => $"{(c.IsFamily ? "protected " : "")}new({Parameters(c)})");
        var properties = type.GetProperties(Declared).Where(p => Visible(p.GetMethod!)).Select(Property);
        var methods = type.GetMethods(Declared)
            .Where(m => Visible(m) && !m.IsSpecialName)
            .Select(m => Modifiers(m) + Signature(m, m.Name));
        return fields.Concat(constructors).Concat(properties).Concat(methods);
    }

    private static string Field(FieldInfo field)
    {
        var modifiers = (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
        return $"{modifiers}{Name(field.FieldType)} {field.Name}";
    }

    private static string Property(PropertyInfo property)
    {
        var index = property.GetIndexParameters();
        var suffix = index.Length == 0 ? "" : $"[{string.Join(", ", index.Select(Parameter))}]";
        var set = property.SetMethod is { } setter && Visible(setter) ? " set;" : "";
        var modifiers = Modifiers(property.GetMethod!);
        return $"{modifiers}{Name(property.PropertyType)} {property.Name}{suffix} {{ get;{set} }}";
    }

    private static bool Visible(MethodBase method) =>
        method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Modifiers(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface)
            return "";
        var access = method.IsFamily ? "protected " : "";
        if (method.IsStatic)
            return access + "static ";
        if (method.IsAbstract)
            return access + "abstract ";
        if (!method.IsVirtual || method.IsFinal)
            return access;
        return access + (method.GetBaseDefinition() == method ? "virtual " : "override ");
    }

    private static string Signature(MethodInfo method, string name)
    {
        var arguments = method.IsGenericMethod
            ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>"
            : "";
        return $"{Name(method.ReturnType)} {name}{arguments}({Parameters(method)})";
    }

    private static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var isParams = parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "";
        return $"{isParams}{Name(parameter.ParameterType)} {parameter.Name}{Default(parameter)}";
    }

    private static string Default(ParameterInfo parameter)
    {
        if (!parameter.HasDefaultValue)
            return "";
        var value = parameter.RawDefaultValue;
        return value is null ? " = default" : string.Create(CultureInfo.InvariantCulture, $" = {value}");
    }

    private static string Name(Type type)
    {
        if (Keywords.TryGetValue(type, out var keyword))
            return keyword;
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return $"{Name(underlying)}?";
        var name = type.Name.Split('`')[0];
        // A nested type repeats the type parameters of the outer one, of which there are none here.
        if (type.IsNested && !type.IsGenericParameter)
            name = $"{Name(type.DeclaringType!)}.{name}";
        return type.IsGenericType
            ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
            : name;
    }
}
