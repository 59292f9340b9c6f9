using Souk.Gateway.Routing;
using Souk.Tests.Gateway.Protos;

namespace Souk.Tests.Gateway;

public sealed class RouteTests
{
    private static readonly Contracts EchoContracts = Contracts.Of([EchoReflection.Descriptor]);

    [TestCase("GET", "/api/v1/things/search", "SearchThings")]
    [TestCase("GET", "/api/v1/things/thing_123", "GetThing")]
    [TestCase("GET", "/api/v1/things/search2", "GetThing")]
    [TestCase("GET", "/api/v1/things/se%61rch", "SearchThings")]
    [TestCase("PATCH", "/api/v1/things/search", "PatchThing")]
    [TestCase("PUT", "/api/v1/things/1", "PatchThing")]
    [TestCase("REPORT", "/api/v1/things/1", "PatchThing")]
    [TestCase("POST", "/api/v1/things/1:buy", "BuyThing")]
    [TestCase("POST", "/api/v1/things/a:b:buy", "BuyThing")]
    [TestCase("GET", "/api/v1/things/1:buy", "GetThing")]
    [TestCase("GET", "/api/v1/files/a/b/c", "GetPath")]
    [TestCase("GET", "/api/v1/any/x", "GetPath")]
    [TestCase("MERGE", "/api/v1/any/x", "GetPath")]
    [TestCase("GET", "/api/v1/files", "GetPath")]
    [TestCase("GET", "/api/v1/shelves/shelf/1/book/2:read", "GetPath")]
    [Description("V13, K27")]
    public void Find_Path_GivesTheRpc(string method, string path, string rpc) =>
        Assert.That(Find(method, path)?.Rpc.Name, Is.EqualTo(rpc));

    [TestCase("GET", "/")]
    [TestCase("GET", "")]
    [TestCase("GET", "api/v1/things/1")]
    [TestCase("GET", "/api/v1/things/")]
    [TestCase("GET", "/api/v1//things/1")]
    [TestCase("GET", "/api/v1/things/1/2")]
    [TestCase("POST", "/api/v1/things/:buy")]
    [TestCase("POST", "/api/v1/things/1:sell")]
    [TestCase("get", "/api/v1/things/1")]
    [TestCase("GET", "/api/v1/shelves/shelf/1/cup/2:read")]
    public void Find_OtherPath_GivesNone(string method, string path) =>
        Assert.That(Find(method, path), Is.Null);

    [Test]
    public void Find_VeryManySegments_GivesNone() =>
        Assert.That(Find("GET", string.Concat(Enumerable.Repeat("/a", 10_000))), Is.Null);

    [Test]
    public void MethodsOf_Path_ListsItsMethods() =>
        Assert.That(
            EchoContracts.Table.MethodsOf("/api/v1/things/search"),
            Is.EqualTo(new[] { "GET", "HEAD", "PATCH", "PUT", "REPORT" })
        );

    [Test]
    public void Find_RuleForEveryMethod_YieldsToTheMethodsOwn()
    {
        var table = new RouteTable<string>();
        table.Add("*", PathTemplate.Parse("/a/{b}"), "any");
        table.Add("PUT", PathTemplate.Parse("/a/{b}"), "put");
        var segments = new Range[32];
        Assert.That(table.Find("PUT", "/a/b", segments, out _), Is.EqualTo("put"));
        Assert.That(table.Find("DELETE", "/a/b", segments, out _), Is.EqualTo("any"));
        Assert.That(
            table.MethodsOf("/a/b"),
            Is.EqualTo(new[] { "DELETE", "GET", "HEAD", "PATCH", "POST", "PUT" })
        );
    }

    [TestCase("/a/{b")]
    [TestCase("/a/{b={c}}")]
    [TestCase("a")]
    [TestCase("/a//b")]
    [TestCase("/**/a")]
    [TestCase("/a:")]
    [TestCase("/a}b")]
    public void Parse_BrokenTemplate_Throws(string template) =>
        Assert.That(() => PathTemplate.Parse(template), Throws.InvalidOperationException);

    [Test]
    public void Add_SameShapeTwice_Throws()
    {
        var table = new RouteTable<string>();
        table.Add("GET", PathTemplate.Parse("/a/{b}"), "first");
        Assert.That(
            () => table.Add("GET", PathTemplate.Parse("/a/{c=*}"), "second"),
            Throws.InvalidOperationException
        );
    }

    [Test]
    public void Find_LiteralLeadsNowhere_FallsBackToTheWildcard()
    {
        var table = new RouteTable<string>();
        table.Add("GET", PathTemplate.Parse("/a/b/c"), "literal");
        table.Add("GET", PathTemplate.Parse("/a/{x}/d"), "wild");
        table.Add("GET", PathTemplate.Parse("/{rest=**}"), "rest");
        var segments = new Range[32];
        Assert.That(table.Find("GET", "/a/b/d", segments, out _), Is.EqualTo("wild"));
        Assert.That(table.Find("GET", "/a/b/e", segments, out _), Is.EqualTo("rest"));
    }

    [Test]
    [Description("X-05")]
    public void Of_TheRealContracts_EveryRouteIsSoundAndEveryRpcSaysWhoMayCall()
    {
        var contracts = Contracts.Of(typeof(Souk.Type.Money).Assembly);
        Assert.That(contracts.Routes, Has.Count.GreaterThan(40));
        Assert.That(contracts.Rpcs.Where(rpc => rpc.Access is null).Select(rpc => rpc.Name), Is.Empty);
        Assert.That(
            contracts.AppIds,
            Is.SupersetOf(new[] { "cart", "catalog", "identity", "inventory", "ordering", "payments" })
        );
    }

    private static Route? Find(string method, string path) =>
        EchoContracts.Table.Find(method, path, new Range[RouteTable<Route>.SegmentsMax], out _);
}
