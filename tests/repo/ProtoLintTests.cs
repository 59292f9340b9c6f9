using System.Text.RegularExpressions;
using Google.Api;
using Google.Protobuf.Reflection;
using FieldType = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Type;

namespace Souk.Tests.Repo;

/// <summary>Our contracts look alike (style.md 3.2).</summary>
internal sealed partial class ProtoLintTests
{
    /// <summary>POSTs that need no request_id, each with what makes a repeat harmless all the same.</summary>
    private static readonly Dictionary<string, string> RepeatableWithoutRequestId = new()
    {
        ["RegisterUser"] = "the address is unique",
        ["LoginUser"] = "makes a session, changes nothing else",
        ["RefreshTokens"] = "a token is spent once",
        ["LogoutUser"] = "revoking again changes nothing",
        ["CreateGuest"] = "makes a session, changes nothing else",
        ["ReceiveStock"] = "document_id is its request id",
        ["ReserveStock"] = "hold_id is its request id",
        ["ApproveProduct"] = "approving again changes nothing",
        ["ApplyCoupon"] = "the same code again changes nothing",
        ["SaveCartItem"] = "sets where a line is",
        ["RestoreCartItem"] = "sets where a line is",
        ["MergeCart"] = "a guest's cart is taken over once",
        ["CreateAddress"] = "a doubled address is seen and deleted; no money or stock moves",
        ["ConfirmPayment"] = "a payment is confirmed once",
        ["ReceiveStripeWebhook"] = "the event's id is recorded",
    };

    /// <summary>Lists that end by themselves, each with its bound.</summary>
    private static readonly Dictionary<string, string> ListsOfOnePage = new()
    {
        ["ListAddresses"] = "an account has at most 50",
        ["ListCategories"] = "one level of the taxonomy, at most 1,000",
        ["ListWarehouses"] = "at most 1,000",
    };

    /// <summary>RPCs that answer with another one's page, each with why.</summary>
    private static readonly Dictionary<string, string> SharedResponses = new()
    {
        ["ListSellerProducts"] = "a page of products, as ListProducts gives",
    };

    /// <summary>Enums whose value names are themselves what goes over the wire, so they carry no
    /// prefix.</summary>
    private static readonly string[] EnumsWithoutPrefix = ["Reason", "Role"];

    [Test]
    public void Files_PackageAndNamespace_FollowTheFolder() =>
        Rule.Holds(
            from file in Contracts.Files
            let folder = Path.GetDirectoryName(file.Name)?.Replace('/', '.')
            where file.Package != folder || !SameName(file.Options.CsharpNamespace, file.Package)
            select file.Name,
            "Package, folder and csharp_namespace are one name: souk.catalog.v1, souk/catalog/v1, Souk.Catalog.V1."
        );

    [Test]
    public void Names_EachElement_HasItsCase() =>
        Rule.Holds(
            Contracts
                .Messages.SelectMany(pair =>
                    pair.Value.Field.Where(field => !SnakeCase().IsMatch(field.Name))
                        .Select(field => $"{pair.Key}.{field.Name}")
                )
                .Concat(Contracts.Messages.Keys.Where(name => !PascalCase().IsMatch(name.Split('.')[^1])))
                .Concat(
                    Contracts.Rpcs.Where(rpc => !PascalCase().IsMatch(rpc.Name)).Select(rpc => rpc.ToString())
                ),
            "Fields are snake_case; messages, enums and RPCs are PascalCase."
        );

    [Test]
    public void Enums_EachValue_CarriesTheEnumsPrefixAndZeroIsUnspecified() =>
        Rule.Holds(
            from pair in Contracts.Enums
            let prefix = ScreamingCase(pair.Value.Name) + "_"
            from value in pair.Value.Value
            where
                value.Number == 0
                    ? value.Name != $"{prefix}UNSPECIFIED"
                    : !CarriesPrefix(pair.Value.Name, value.Name, prefix)
            select $"{pair.Key}.{value.Name}",
            "Zero is <ENUM>_UNSPECIFIED, and the other values start with <ENUM>_."
        );

    [Test]
    public void Rpcs_EachName_IsUniqueInTheRepository() =>
        Rule.Holds(
            Contracts
                .Rpcs.GroupBy(rpc => rpc.Name)
                .Where(group => group.Count() > 1)
                .Select(group => string.Join(", ", group)),
            "One search for an RPC's name shall find its contract, code and tests, and nothing else."
        );

    [Test]
    public void Rpcs_EachRequest_IsItsOwnMessage() =>
        Rule.Holds(
            Contracts
                .Rpcs.Where(rpc => rpc.Input != $"{rpc.File.Package}.{rpc.Name}Request")
                .Select(rpc => rpc.ToString()),
            "Give the RPC a message of its own, <Rpc>Request: it will grow on its own."
        );

    [Test]
    public void Rpcs_EachResponse_IsAResourceOrItsOwnMessage() =>
        Rule.Holds(
            from rpc in Contracts.Rpcs
            let name = rpc.Output.Split('.')[^1]
            where name.EndsWith("Response", StringComparison.Ordinal) && name != $"{rpc.Name}Response"
            where !SharedResponses.ContainsKey(rpc.Name)
            select rpc.ToString(),
            "Answer with the resource, google.protobuf.Empty, or <Rpc>Response."
        );

    [Test]
    public void Rpcs_EachOne_SaysWhoMayCall() =>
        Rule.Holds(
            Contracts.Rpcs.Where(rpc => rpc.Access is null).Select(rpc => rpc.ToString()),
            "Add option (souk.options.v1.access): an RPC without it is refused for everybody."
        );

    [Test]
    public void Routes_EachPath_StartsWithTheVersion() =>
        Rule.Holds(
            from rpc in Contracts.Rpcs
            from route in rpc.Routes
            let path = route.Split(' ')[1]
            where !path.StartsWith("/api/v1/", StringComparison.Ordinal) && path != "/.well-known/jwks.json"
            select $"{rpc}: {route}",
            "Paths start with /api/v1/."
        );

    [Test]
    public void Routes_EachVerbAndPath_BelongsToOneRpc() =>
        Rule.Holds(
            from rpc in Contracts.Rpcs
            from route in rpc.Routes
            // Two variables at the same place match the same paths, whatever their names.
            group rpc by Variable().Replace(route, "{}") into same
            where same.Count() > 1
            select $"{same.Key}: {string.Join(", ", same)}",
            "Two RPCs answer to the same verb and path."
        );

    [Test]
    public void Routes_EachPathVariable_IsAFieldOfTheRequest() =>
        Rule.Holds(
            from rpc in Contracts.Rpcs
            from route in rpc.Routes
            from Match variable in Variable().Matches(route)
            let name = variable.Value.Trim('{', '}')
            where Contracts.Messages[rpc.Input].Field.All(field => field.Name != name)
            select $"{rpc}: {variable.Value}",
            "Name the variable after the request's field."
        );

    [Test]
    public void Routes_EachPost_TakesARequestId() =>
        Rule.Holds(
            from rpc in Contracts.Rpcs
            where rpc.Routes.Any(route => route.StartsWith("POST", StringComparison.Ordinal))
            where !RepeatableWithoutRequestId.ContainsKey(rpc.Name)
            where Contracts.Messages[rpc.Input].Field.All(field => field.Name != "request_id")
            select rpc.ToString(),
            "Add `string request_id` with the Idempotency-Key header, or list the RPC here with what makes a repeat harmless."
        );

    [Test]
    public void Lists_EachOne_PagesByToken() =>
        Rule.Holds(
            from rpc in Contracts.Rpcs
            where
                rpc.Name.StartsWith("List", StringComparison.Ordinal) && !ListsOfOnePage.ContainsKey(rpc.Name)
            let asks = Contracts.Messages[rpc.Input].Field.Select(field => field.Name).ToHashSet()
            let answers = Contracts.Messages[rpc.Output].Field.Select(field => field.Name).ToHashSet()
            where !asks.IsSupersetOf(["page_size", "page_token"]) || !answers.Contains("next_page_token")
            select rpc.ToString(),
            "A list takes page_size and page_token and answers with next_page_token from its first day."
        );

    [Test]
    public void Fields_SaidToBeRequired_AreMarkedSo() =>
        Rule.Holds(
            from file in Contracts.Files
            from comment in ProtoComments.Of(file)
            where
                comment.Field is { } field
                && comment.Text.StartsWith("Required.", StringComparison.Ordinal)
                && !Behaviours(field).Contains(FieldBehavior.Required)
            select comment.Name,
            "The comment says Required: add (google.api.field_behavior) = REQUIRED, which the interceptor enforces."
        );

    [Test]
    public void Fields_MarkedAsRequired_SaySo() =>
        Rule.Holds(
            from file in Contracts.Files
            from comment in ProtoComments.Of(file)
            where comment.Field is { } field && Behaviours(field).Contains(FieldBehavior.Required)
            where !comment.Text.StartsWith("Required.", StringComparison.Ordinal)
            select comment.Name,
            "Start the comment with Required."
        );

    [Test]
    public void Fields_OfMoney_AreNotFloatingPoint() =>
        Rule.Holds(
            from pair in Contracts.Messages
            from field in pair.Value.Field
            where field.Type is FieldType.Double or FieldType.Float && MoneyName().IsMatch(field.Name)
            select $"{pair.Key}.{field.Name}",
            "Money is souk.type.Money, never a float."
        );

    private static IEnumerable<FieldBehavior> Behaviours(FieldDescriptorProto field) =>
        field.Options?.GetExtension(FieldBehaviorExtensions.FieldBehavior) ?? [];

    private static bool SameName(string csharp, string package) =>
        string.Equals(csharp, package, StringComparison.OrdinalIgnoreCase);

    private static bool CarriesPrefix(string enumName, string value, string prefix) =>
        EnumsWithoutPrefix.Contains(enumName) || value.StartsWith(prefix, StringComparison.Ordinal);

    private static string ScreamingCase(string name) => WordStart().Replace(name, "_").ToUpperInvariant();

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex SnakeCase();

    [GeneratedRegex("^[A-Z][A-Za-z0-9]*$")]
    private static partial Regex PascalCase();

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex WordStart();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Variable();

    [GeneratedRegex("(^|_)(price|amount|total|subtotal|tax|fee|cost)($|_)")]
    private static partial Regex MoneyName();
}
