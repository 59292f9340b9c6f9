namespace Souk.Gateway.Grpc;

/// <summary>What a request is as gRPC.</summary>
internal enum GrpcKind
{
    /// <summary>REST.</summary>
    None,

    /// <summary>gRPC over HTTP/2.</summary>
    Native,

    /// <summary>gRPC-Web: the trailers are the body's last frame.</summary>
    Web,

    /// <summary>gRPC-Web whose bodies are base64, for browsers that read text only.</summary>
    WebText,
}

/// <summary>Tells the kinds apart by their media type.</summary>
internal static class GrpcKinds
{
    private const string NativeType = "application/grpc";
    private const string WebType = "application/grpc-web";
    private const string TextType = "application/grpc-web-text";

    public static GrpcKind Of(HttpRequest request)
    {
        if (!HttpMethods.IsPost(request.Method) || request.ContentType is not { } type)
            return GrpcKind.None;
        if (Is(type, TextType))
            return GrpcKind.WebText;
        if (Is(type, WebType))
            return GrpcKind.Web;
        return Is(type, NativeType) ? GrpcKind.Native : GrpcKind.None;
    }

    /// <summary>The media type of an answer.</summary>
    public static string MediaType(this GrpcKind kind) =>
        kind switch
        {
            GrpcKind.Web => WebType + "+proto",
            GrpcKind.WebText => TextType + "+proto",
            _ => NativeType,
        };

    // "application/grpc", "application/grpc+proto" and "application/grpc; x=y", but not
    // "application/grpc-web".
    private static bool Is(string type, string wanted) =>
        type.StartsWith(wanted, StringComparison.OrdinalIgnoreCase)
        && (type.Length == wanted.Length || type[wanted.Length] is '+' or ';' or ' ');
}
