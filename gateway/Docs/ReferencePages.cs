using System.Text.Encodings.Web;
using System.Text.Json;
using Souk.Gateway.OpenApi;
using Souk.Gateway.Routing;

namespace Souk.Gateway.Docs;

/// <summary>
/// The API document at /openapi.json and the page at /docs that shows it, each made when first asked for.
/// </summary>
internal sealed class ReferencePages
{
    private const string Folder = "docs/";

    // Plain letters where the default would write \u0027: the document is read by people too.
    private static readonly JsonSerializerOptions WrittenAs = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Dictionary<string, Lazy<Page>> _pages;

    public ReferencePages(Contracts contracts) =>
        _pages = new Dictionary<string, Lazy<Page>>(StringComparer.Ordinal)
        {
            ["/openapi.json"] = new(() => DocumentOf(contracts)),
            ["/docs"] = Web("docs.html", "text/html"),
            ["/docs/icon.svg"] = Web("icon.svg", "image/svg+xml"),
            ["/docs/docs.css"] = Web("docs.css", "text/css"),
            ["/docs/docs.js"] = Web("docs.js", "text/javascript"),
            ["/docs/dom.js"] = Web("dom.js", "text/javascript"),
            ["/docs/operation.js"] = Web("operation.js", "text/javascript"),
            ["/docs/schema.js"] = Web("schema.js", "text/javascript"),
            ["/docs/try.js"] = Web("try.js", "text/javascript"),
        };

    /// <summary>Null when the path is none of these pages.</summary>
    public Page? Find(string method, string path) =>
        (HttpMethods.IsGet(method) || HttpMethods.IsHead(method)) && _pages.TryGetValue(path, out var page)
            ? page.Value
            : null;

    private static Page DocumentOf(Contracts contracts)
    {
        var document = ApiDocument.Of(contracts, Comments.Load());
        return new Page("application/json", JsonSerializer.SerializeToUtf8Bytes(document, WrittenAs));
    }

    private static Lazy<Page> Web(string name, string mediaType) =>
        new(() =>
        {
            using var stream =
                typeof(ReferencePages).Assembly.GetManifestResourceStream(Folder + name)
                ?? throw new InvalidOperationException($"The build lacks {name}.");
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return new Page(mediaType, copy.ToArray());
        });
}
