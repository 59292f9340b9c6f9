using Souk.Gateway.Routing;

namespace Souk.Gateway.OpenApi;

/// <summary>Errors that need no word in a contract: the ways of the gateway and of every service.</summary>
internal static class ReasonsByShape
{
    public static IEnumerable<string> Of(Route route) =>
        [.. Always, .. OfAccess(route.Rpc), .. OfRequest(route), .. OfHeaders(route.Rpc), .. OfPath(route)];

    private static IEnumerable<string> Always =>
        [
            "INVALID_FIELD",
            "RATE_LIMITED",
            "INTERNAL_FAULT",
            "CIRCUIT_OPEN",
            "OVERLOADED",
            "DEPENDENCY_UNAVAILABLE",
            "DEADLINE_PASSED",
        ];

    // A public route checks a token too, where one is sent.
    private static IEnumerable<string> OfAccess(Rpc rpc)
    {
        yield return "TOKEN_EXPIRED";
        yield return "TOKEN_INVALID";
        if (!rpc.IsPublic)
            yield return "TOKEN_MISSING";
        if (rpc.Access is not { Public: true } and not { Authenticated: true })
            yield return "ROLE_REQUIRED";
    }

    private static IEnumerable<string> OfRequest(Route route)
    {
        if (route.Rpc.IsClientStreaming)
            yield return "UPGRADE_REQUIRED";
        if (route.Body != BodyKind.None)
            yield return "TOO_LARGE";
        if (route.Body is BodyKind.Whole or BodyKind.Field)
        {
            yield return "MALFORMED_JSON";
            yield return "UNKNOWN_FIELD";
            yield return "UNSUPPORTED_MEDIA_TYPE";
        }
        if (route.Rpc.Descriptor.InputType.Fields.InDeclarationOrder().Any(Schemas.IsRequired))
            yield return "FIELD_REQUIRED";
        if (route.Rpc.Input.Find("page_token") is not null)
            yield return "PAGE_TOKEN_INVALID";
    }

    private static IEnumerable<string> OfHeaders(Rpc rpc)
    {
        foreach (var header in rpc.HeaderFields)
        {
            if (header.Name == "Idempotency-Key")
            {
                yield return "IDEMPOTENCY_MISMATCH";
                if (header.IsRequired)
                    yield return "IDEMPOTENCY_KEY_REQUIRED";
            }
            else if (header.Name == "If-Match")
                yield return "VERSION_CONFLICT";
        }
    }

    private static IEnumerable<string> OfPath(Route route) =>
        route.Variables.Length > 0 || route.Rpc.Access is { OwnResource: true } ? ["RESOURCE_NOT_FOUND"] : [];
}
