using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;

namespace Souk.Tests.Standins;

/// <summary>
/// The real libraries were compiled against the official assemblies: everything they name must be there.
/// </summary>
[TestFixture]
public sealed class GrpcSurfaceTests
{
    private static readonly Assembly Api = typeof(Method<,>).Assembly;
    private static readonly Assembly Common = typeof(ICompressionProvider).Assembly;
    private static readonly Assembly[] Real =
    [
        typeof(GrpcServiceOptions).Assembly,
        typeof(GrpcChannel).Assembly,
    ];

    [TestCaseSource(nameof(Real))]
    public void MemberReferences_OfRealLibrary_ResolveInStandins(Assembly real)
    {
        using var image = new PEReader(File.OpenRead(real.Location));
        var metadata = image.GetMetadataReader();
        var resolved = 0;
        var missing = new List<string>();
        foreach (var handle in metadata.MemberReferences)
        {
            if (!IsStandin(ScopeOf(metadata, metadata.GetMemberReference(handle).Parent)))
                continue;
            resolved++;
            if (Failure(real.ManifestModule, handle) is { } failure)
                missing.Add(failure);
        }
        Assert.That(missing, Is.Empty);
        Assert.That(resolved, Is.GreaterThan(40), "or the search for references is broken");
    }

    [TestCaseSource(nameof(Real))]
    public void Types_OfRealLibrary_Load(Assembly real) =>
        // Loading a type checks what a member reference does not: overrides and interface implementations.
        Assert.That(real.GetTypes(), Is.Not.Empty);

    [TestCaseSource(nameof(Real))]
    public void Identity_OfStandins_IsTheOneReferenced(Assembly real)
    {
        var key = real.GetName().GetPublicKey();
        var references = real.GetReferencedAssemblies().Where(name => IsStandin(name.Name)).ToList();
        Assert.That(
            references.Select(name => name.Name),
            Is.EquivalentTo([Api.GetName().Name, Common.GetName().Name])
        );
        foreach (var standin in new[] { Api, Common })
        {
            var wanted = references.Single(name => name.Name == standin.GetName().Name);
            Assert.That(standin.GetName().Version, Is.EqualTo(wanted.Version));
            Assert.That(standin.GetName().GetPublicKeyToken(), Is.EqualTo(wanted.GetPublicKeyToken()));
            Assert.That(standin.GetName().GetPublicKey(), Is.EqualTo(key));
        }
    }

    [Test]
    public void PublicSurface_OfStandin_IsTheOfficialOne()
    {
        var listed = new HashSet<string>();
        var type = "";
        foreach (
            var line in File.ReadLines(
                Path.Combine(TestContext.CurrentContext.TestDirectory, "grpc-core-api.txt")
            )
        )
        {
            if (!line.StartsWith(' '))
                listed.Add(type = InOrder(line));
            else if (type.Contains(": enum ", StringComparison.Ordinal))
                listed.UnionWith(line.Split(',').Select(value => $"{TypeName(type)}: {value.Trim()}"));
            else
                listed.Add($"{TypeName(type)}: {line.Trim()}");
        }
        var actual = PublicSurface.Of(Api).ToList();
        Assert.That(actual.Except(listed), Is.Empty, "only the stand-in has these");
        Assert.That(listed.Except(actual), Is.Empty, "the stand-in lacks these");
    }

    private static string InOrder(string header)
    {
        var parts = header.Split(" implements ");
        if (parts.Length == 1)
            return header;
        var sorted = parts[1].Split(", ").Order(StringComparer.Ordinal);
        return $"{parts[0]} implements {string.Join(", ", sorted)}";
    }

    // "Grpc.Core: abstract class ClientBase<T> : ClientBase" -> "ClientBase<T>"
    private static string TypeName(string header)
    {
        var words = header.Split(": ", 2)[1].Split(" : ")[0].Split(" implements ")[0];
        var start = new[] { " class ", "class ", "struct ", "interface ", "enum " }
            .Select(kind => (At: words.IndexOf(kind, StringComparison.Ordinal), kind.Length))
            .First(found => found.At >= 0);
        return words[(start.At + start.Length)..];
    }

    private static bool IsStandin(string? assembly) => assembly is "Grpc.Core.Api" or "Grpc.Net.Common";

    private static string? Failure(Module module, MemberReferenceHandle handle)
    {
        var token = MetadataTokenOf(handle);
        // Enough type arguments for every signature that mentions a type or method parameter of its
        // surroundings.
        var arguments = Enumerable.Repeat(typeof(string), 8).ToArray();
        try
        {
            var member = module.ResolveMember(token, arguments, arguments);
            return Accessible(member) ? null : $"{member?.DeclaringType}.{member?.Name} is not public";
        }
        catch (Exception e) when (e is MissingMemberException or TypeLoadException or ArgumentException)
        {
            return e.Message;
        }
    }

    private static bool Accessible(MemberInfo? member) =>
        member switch
        {
            MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
            FieldInfo field => field.IsPublic,
            _ => false,
        };

    private static int MetadataTokenOf(MemberReferenceHandle handle) =>
        System.Reflection.Metadata.Ecma335.MetadataTokens.GetToken(handle);

    // The assembly that declares a member's type: past nesting and generic instantiation.
    private static string? ScopeOf(MetadataReader metadata, EntityHandle parent)
    {
        while (true)
        {
            switch (parent.Kind)
            {
                case HandleKind.TypeSpecification:
                    var spec = metadata.GetTypeSpecification((TypeSpecificationHandle)parent);
                    var blob = metadata.GetBlobReader(spec.Signature);
                    if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
                        return null;
                    blob.ReadCompressedInteger(); // class or value type
                    parent = blob.ReadTypeHandle();
                    break;
                case HandleKind.TypeReference:
                    parent = metadata.GetTypeReference((TypeReferenceHandle)parent).ResolutionScope;
                    break;
                case HandleKind.AssemblyReference:
                    return metadata.GetString(
                        metadata.GetAssemblyReference((AssemblyReferenceHandle)parent).Name
                    );
                default:
                    return null;
            }
        }
    }
}
