using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;

namespace Souk.Tests.Standins;

/// <summary>The real libraries were compiled against the official assemblies: everything they name must be there.</summary>
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
        Assert.That(resolved, Is.GreaterThan(40), "the libraries use far more members than that");
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

    private static bool IsStandin(string? assembly) => assembly is "Grpc.Core.Api" or "Grpc.Net.Common";

    private static string? Failure(Module module, MemberReferenceHandle handle)
    {
        var token = MetadataTokenOf(handle);
        // Enough type arguments for every signature that mentions a type or method parameter of its surroundings.
        var arguments = Enumerable.Repeat(typeof(string), 8).ToArray();
        try
        {
            _ = module.ResolveMember(token, arguments, arguments);
            return null;
        }
        catch (Exception e) when (e is MissingMemberException or TypeLoadException or ArgumentException)
        {
            return e.Message;
        }
    }

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
