using Google.Protobuf;
using Grpc.Core;
using Souk.Catalog.V1;

namespace Souk.Bench.Gateway;

/// <summary>
/// A catalog that does nothing: whatever it is asked, it answers the same bytes, made once. If it serialized
/// a message for each call, that work would be counted against whoever calls it.
/// </summary>
internal sealed class IdleCatalog : ByteCatalogBase
{
    private readonly Task<byte[]> _answer = Task.FromResult(SampleProduct.Message().ToByteArray());

    public override Task<byte[]> GetProduct(byte[] request, ServerCallContext context) => _answer;
}

/// <summary>One RPC of the catalog, in the shape of generated code, but with messages as bytes.</summary>
[BindServiceMethod(typeof(ByteCatalogBase), nameof(BindService))]
internal abstract class ByteCatalogBase
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(
        (bytes, context) => context.Complete(bytes),
        context => context.PayloadAsNewBuffer()
    );

    private static readonly Method<byte[], byte[]> Method = new(
        MethodType.Unary,
        CatalogService.Descriptor.FullName,
        nameof(GetProduct),
        Bytes,
        Bytes
    );

    public abstract Task<byte[]> GetProduct(byte[] request, ServerCallContext context);

    /// <summary>The library binds without an instance and only wants the methods.</summary>
    public static void BindService(ServiceBinderBase binder, ByteCatalogBase? service) =>
        binder.AddMethod(
            Method,
            service is null ? null : new UnaryServerMethod<byte[], byte[]>(service.GetProduct)
        );
}
