using System.Text.Json.Nodes;
using Souk.Gateway.OpenApi;
using Souk.Gateway.Routing;
using Souk.Tests.Gateway.Protos;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>The API document of the real contracts, and of one that has every shape.</summary>
public sealed class OpenApiTests
{
    private static readonly Contracts Shop = Contracts.Of(typeof(Souk.Type.Money).Assembly);
    private static readonly JsonObject Document = ApiDocument.Of(Shop, Comments.Load());
    private static readonly JsonObject EchoDocument = ApiDocument.Of(
        Contracts.Of([EchoReflection.Descriptor]),
        Comments.Load()
    );

    [Test]
    public async Task Document_RealContracts_IsValidWithValidExamplesAndPostmanTakesIt()
    {
        var verdict = await JudgeAsync(Document);
        Assert.That((int)verdict["operations"]!, Is.EqualTo(Shop.Routes.Count));
        Assert.That((int)verdict["requests"]!, Is.EqualTo(Shop.Routes.Count));
        Assert.That((int)verdict["examples"]!, Is.GreaterThan(10 * Shop.Routes.Count));
        TestContext.Out.WriteLine(verdict.ToJsonString());
    }

    [Test]
    public async Task Document_EveryShapeOfRoute_IsValid() =>
        Assert.That((int)(await JudgeAsync(EchoDocument))["operations"]!, Is.GreaterThan(12));

    [Test]
    public void Document_EveryOperation_HasWordsAccessAndErrors()
    {
        Assert.That(Operations().Select(operation => (string?)operation["operationId"]), Is.Unique);
        foreach (var operation in Operations())
        {
            var id = (string?)operation["operationId"];
            Assert.That((string?)operation["summary"], Is.Not.Empty, id);
            Assert.That(
                (string?)operation["description"],
                Does.Contain("may call.").Or.Contain("Roles: "),
                id
            );
            var statuses = operation["responses"]!.AsObject().Select(response => response.Key);
            Assert.That(
                statuses,
                Is.SupersetOf(new[] { "200", "400", "429", "500", "503", "504", "default" }),
                id
            );
        }
    }

    [Test]
    public void Document_EverySchemaAndField_HasWords()
    {
        foreach (var (name, schema) in Document["components"]!["schemas"]!.AsObject())
        {
            Assert.That((string?)schema!["description"], Is.Not.Null.And.Not.Empty, name);
            foreach (var (field, node) in schema["properties"]?.AsObject() ?? [])
                Assert.That(
                    node!["description"],
                    Is.Not.Null.Or.Property("Parent").Not.Null,
                    $"{name}.{field}"
                );
        }
    }

    [Test]
    [Description("ORD-01")]
    public void Document_CreateOrder_TellsHeadersBodyAccessAndItsReasons()
    {
        var operation = Document["paths"]!["/api/v1/orders"]!["post"]!;
        var parameters = operation["parameters"]!.AsArray();
        var names = parameters.Select(parameter => (string?)parameter!["name"]);
        Assert.That(names, Is.EqualTo(new[] { "Idempotency-Key", "Prefer" }));
        Assert.That((bool)parameters[0]!["required"]!, Is.True);
        Assert.That((string?)parameters[0]!["schema"]!["format"], Is.EqualTo("uuid"));
        var body = operation["requestBody"]!["content"]!["application/json"]!;
        Assert.That(body["schema"]!["properties"]!.AsObject().ContainsKey("request_id"), Is.False);
        Assert.That(body["example"]!["shipping_address"]!["country"]!.ToString(), Is.EqualTo("US"));
        Assert.That(operation["security"]!.ToJsonString(), Is.EqualTo("""[{"token":["buyer"]}]"""));
        Assert.That(ReasonsOf(operation, "409"), Does.Contain("OUT_OF_STOCK").And.Contain("PRICE_CHANGED"));
        Assert.That(ReasonsOf(operation, "400"), Does.Contain("CART_EMPTY").And.Contain("UNKNOWN_FIELD"));
        Assert.That(ReasonsOf(operation, "400"), Does.Contain("CARD_NUMBER_REFUSED"), "of payments");
        Assert.That(
            ReasonsOf(operation, "403"),
            Does.Contain("ROLE_REQUIRED").And.Contain("NOT_YOUR_ACCOUNT")
        );
        Assert.That(ReasonsOf(operation, "404"), Is.EqualTo(new[] { "RESOURCE_NOT_FOUND" }));
    }

    [Test]
    [Description("CAT-01")]
    public void Document_GetProduct_ShowsMoneyEnumsLimitsAndTags()
    {
        var operation = Document["paths"]!["/api/v1/products/{product_id}"]!["get"]!;
        Assert.That(operation["security"]!.ToJsonString(), Is.EqualTo("""[{},{"token":[]}]"""));
        Assert.That(operation["responses"]!["304"], Is.Not.Null);
        Assert.That(operation["responses"]!["200"]!["headers"]!["ETag"], Is.Not.Null);
        Assert.That((string?)operation["parameters"]![0]!["example"], Does.Match("^prod_[0-9a-f]{32}$"));
        var schemas = Document["components"]!["schemas"]!;
        var product = schemas["catalog.Product"]!["properties"]!;
        Assert.That((int)product["category"]!["maxItems"]!, Is.EqualTo(8));
        Assert.That((string?)product["created_at"]!["format"], Is.EqualTo("date-time"));
        var status = schemas["catalog.ProductStatus"]!;
        Assert.That(
            status["enum"]!.ToJsonString(),
            Is.EqualTo("""["unspecified","draft","active","deleted"]""")
        );
        Assert.That((string?)status["x-enum-descriptions"]!["active"], Is.Not.Empty);
        var price = schemas["catalog.Price"]!["properties"]!;
        Assert.That((string?)price["amount"]!["type"], Is.EqualTo("number"));
    }

    [Test]
    public void Document_Streams_AreLinesAndEvents()
    {
        var content = EchoDocument["paths"]!["/api/v1/watch"]!["get"]!["responses"]!["200"]![
            "content"
        ]!.AsObject();
        Assert.That(
            content.Select(media => media.Key),
            Is.EqualTo(new[] { "application/x-ndjson", "text/event-stream" })
        );
    }

    [Test]
    [Description("K31")]
    public void Document_StreamsFromTheClient_AreSockets()
    {
        var paths = EchoDocument["paths"]!;
        var talk = paths["/api/v1/talk"]!["get"]!;
        Assert.That(
            talk["x-websocket"]!.ToJsonString(),
            Is.EqualTo(
                """
                {"subprotocol":"souk.json.v1","required":true,
                "sent":{"$ref":"#/components/schemas/echo.Thing"},
                "received":{"$ref":"#/components/schemas/echo.Thing"}}
                """.ReplaceLineEndings("")
            )
        );
        Assert.That(talk["responses"]!["101"], Is.Not.Null);
        Assert.That(talk["responses"]!["200"], Is.Null, "no answer without a socket");
        Assert.That(ReasonsOf(talk, "426"), Is.EqualTo(new[] { "UPGRADE_REQUIRED" }));
        Assert.That((bool)paths["/api/v1/watch"]!["get"]!["x-websocket"]!["required"]!, Is.False);
        Assert.That(paths["/api/v1/export"]!["get"]!["x-websocket"], Is.Null, "bytes");
        Assert.That(paths["/api/v1/names"]!["get"]!["x-websocket"], Is.Null);
    }

    [Test]
    public void Document_PathPatterns_HaveOneParameterAWildcard()
    {
        var paths = EchoDocument["paths"]!.AsObject();
        Assert.That(paths["/api/v1/files/{path}"], Is.Not.Null);
        var read = paths["/api/v1/shelves/shelf/{path_1}/book/{path_2}:read"]!["get"]!;
        Assert.That(
            read["parameters"]!.AsArray().Count(parameter => (string?)parameter!["in"] == "path"),
            Is.EqualTo(2)
        );
        Assert.That((string?)read["operationId"], Is.EqualTo("GetPath_2"));
        Assert.That(paths["/api/v1/nested/{inner.name}/{inner.count}"], Is.Not.Null);
    }

    [Test]
    public void Document_Oneof_AllowsOneMember()
    {
        var schemas = new Schemas(Comments.Load(), new Souk.Gateway.Transcoding.PlanCompiler());
        var everything = schemas.Object(Everything.Descriptor);
        Assert.That(everything["not"]!["anyOf"]!.AsArray(), Has.Count.EqualTo(6));
        var fields = everything["properties"]!;
        Assert.That((string?)fields["f_int64"]!["type"], Is.EqualTo("string"));
        Assert.That((string?)fields["m_string"]!["additionalProperties"]!["type"], Is.EqualTo("string"));
        Assert.That(fields["w_string"]!["type"]!.ToJsonString(), Is.EqualTo("""["string","null"]"""));
        Assert.That((string?)fields["o_null"]!["type"], Is.EqualTo("null"));
    }

    // The judges are programs that others wrote.
    private static async Task<JsonNode> JudgeAsync(JsonObject document)
    {
        var package = await NodePackage.OpenAsync("tests/gateway/js");
        var test = TestContext.CurrentContext;
        var file = Path.Combine(test.WorkDirectory, $"openapi-{test.Test.ID}.json");
        await File.WriteAllTextAsync(file, document.ToJsonString());
        try
        {
            var verdict = JsonNode.Parse(await package.RunAsync("validate.js", file))!;
            var failures = verdict["failures"]!.AsArray().Select(failure => (string?)failure);
            Assert.That(failures, Is.Empty);
            return verdict;
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string?[] ReasonsOf(JsonNode operation, string status)
    {
        var media = operation["responses"]![status]!["content"]!["application/problem+json"]!;
        var reasons = media["schema"]!["allOf"]![1]!["properties"]!["reason"]!["enum"]!.AsArray();
        return [.. reasons.Select(reason => (string?)reason)];
    }

    private static IEnumerable<JsonNode> Operations() =>
        Document["paths"]!
            .AsObject()
            .SelectMany(path => path.Value!.AsObject())
            .Select(entry => entry.Value!);
}
