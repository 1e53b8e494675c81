using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Webhooks.Tests.Shared;

/// <summary>Writes types and members roughly as C# would, nullability included: a promise of non-null taken back breaks callers.</summary>
internal static class PublicApiText
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(char)] = "char",
        [typeof(byte)] = "byte", [typeof(short)] = "short", [typeof(int)] = "int", [typeof(long)] = "long", [typeof(uint)] = "uint",
        [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double", [typeof(decimal)] = "decimal",
    };

    public static string Header(Type type)
    {
        var name = $"{(type.IsNested ? Name(type.DeclaringType!) + "." : type.Namespace + ".")}{Name(type)}";
        if (type.IsEnum) return $"enum {name} : {Name(Enum.GetUnderlyingType(type))}";
        if (type.BaseType == typeof(MulticastDelegate))
        {
            var invoke = type.GetMethod("Invoke")!;
            return $"delegate {Return(invoke)} {name}({Parameters(invoke)})";
        }

        const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var record = type.GetMethod("PrintMembers", Own)?.IsDefined(typeof(CompilerGeneratedAttribute)) == true ? "record " : "";
        var kind = type.IsInterface ? "interface"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "") +
                (type.IsByRefLike ? "ref " : "") + record + "struct"
            : (type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") +
                record + "class";
        var parents = type.GetInterfaces().Where(it => it.IsVisible).Select(it => Name(it)).Order(StringComparer.Ordinal).ToList();
        if (type.IsClass && type.BaseType is { } parent && parent != typeof(object)) parents.Insert(0, Name(parent));
        return $"{kind} {name}{(parents.Count > 0 ? " : " + string.Join(", ", parents) : "")}{Constraints(type.GetGenericArguments())}";
    }

    public static string Constructor(ConstructorInfo it) => $"{Access(it)}.ctor({Parameters(it)})";

    public static string Method(MethodInfo it)
    {
        var arguments = it.GetGenericArguments();
        var generic = arguments.Length > 0 ? $"<{string.Join(", ", arguments.Select(a => a.Name))}>" : "";
        return $"{Access(it)}{Return(it)} {it.Name}{generic}({Parameters(it)}){Constraints(arguments)}";
    }

    public static string Property(PropertyInfo it, bool get, bool set)
    {
        var nullability = new NullabilityInfoContext().Create(it);
        var init = it.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
        var required = it.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var indices = it.GetIndexParameters();
        var name = indices.Length > 0 ? $"this[{string.Join(", ", indices.Select(Parameter))}]" : it.Name;
        var accessors = (get ? "get; " : "") + (set ? (init ? "init; " : "set; ") : "");
        return $"{Access(get ? it.GetMethod! : it.SetMethod!)}{required}{Name(it.PropertyType, nullability)} {name} {{ {accessors}}}";
    }

    public static string Event(EventInfo it) => $"{Access(it.AddMethod!)}event {Name(it.EventHandlerType!)} {it.Name}";

    public static string Field(FieldInfo it)
    {
        var type = Name(it.FieldType, new NullabilityInfoContext().Create(it));
        return it.IsLiteral ? $"const {type} {it.Name} = {Value(it.GetRawConstantValue())}"
            : $"{(it.IsPublic ? "" : "protected ")}{(it.IsStatic ? "static " : "")}{(it.IsInitOnly ? "readonly " : "")}{type} {it.Name}";
    }

    private static string Access(MethodBase it) =>
        (it.IsPublic ? "" : "protected ") + (it.IsStatic ? "static " : "") +
        (it.DeclaringType!.IsInterface ? (it.IsAbstract || it.IsStatic ? "" : "default ")
            : it.IsAbstract ? "abstract "
            : it.IsVirtual && it is MethodInfo method && method.GetBaseDefinition() != method ? "override "
            : it is { IsVirtual: true, IsFinal: false } ? "virtual " : "");

    private static string Return(MethodInfo it) => Name(it.ReturnType, new NullabilityInfoContext().Create(it.ReturnParameter));

    private static string Parameters(MethodBase it) =>
        (it.IsDefined(typeof(ExtensionAttribute)) ? "this " : "") + string.Join(", ", it.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo it)
    {
        var way = it.IsOut ? "out " : !it.ParameterType.IsByRef ? "" : it.IsIn ? "in " : "ref ";
        var many = it.IsDefined(typeof(ParamArrayAttribute)) || it.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "";
        return $"{way}{many}{Name(it.ParameterType, new NullabilityInfoContext().Create(it))} {it.Name}" +
            (it.HasDefaultValue ? " = " + Value(it.DefaultValue) : "");
    }

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Constraints(Type[] arguments) => string.Concat(arguments.Where(it => it.IsGenericParameter).Select(it =>
    {
        var special = it.GenericParameterAttributes & GenericParameterAttributes.SpecialConstraintMask;
        var parts = it.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(c => Name(c)).ToList();
        if (special.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint)) parts.Insert(0, "struct");
        else if (special.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) parts.Insert(0, "class");
        if (special == GenericParameterAttributes.DefaultConstructorConstraint) parts.Add("new()");
        return parts.Count > 0 ? $" where {it.Name} : {string.Join(", ", parts)}" : "";
    }));

    private static string Name(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef) return Name(type.GetElementType()!, nullability);
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Name(underlying) + "?";
        // ReadState is what callers get; of an out parameter marked NotNullWhen the declared state is the wider one.
        var mark = !type.IsValueType && (nullability?.ReadState == NullabilityState.Nullable ||
            nullability?.WriteState == NullabilityState.Nullable) ? "?" : "";
        if (type.IsArray) return $"{Name(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        if (Keywords.TryGetValue(type, out var keyword)) return keyword + mark;
        if (!type.IsGenericType) return type.Name + mark;
        var parts = type.GetGenericArguments();
        var inner = parts.Select((part, i) => Name(part, nullability?.GenericTypeArguments.ElementAtOrDefault(i)));
        var name = type.Name.Contains('`', StringComparison.Ordinal) ? type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)] : type.Name;
        return $"{name}<{string.Join(", ", inner)}>{mark}";
    }
}
