using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Souk.Tests.Harness;

namespace Souk.Tests.Journeys;

/// <summary>Runs the examples of docs/mobile.md from the first to the last: the guide says what is.</summary>
internal sealed partial class GuideTests : Journey
{
    private const string Anything = "…";

    private readonly Dictionary<string, string> _known = [];

    [Test]
    [Description("X-01, X-09, X-43: the guide for app developers is true")]
    public async Task Guide_EveryExample_AnswersAsItSays()
    {
        var goods = await Shop.GoodsAsync(stock: 5);
        (_known["sku"], _known["product_id"]) = (goods.Sku, goods.ProductId);
        _known["email"] = $"{Guid.CreateVersion7():N}@souk.example";
        (_known["key"], _known["uuid"]) = (
            Guid.CreateVersion7().ToString(),
            Guid.CreateVersion7().ToString()
        );
        var guide = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "mobile.md"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://{Mesh.Host}") };
        using var answer = new Latest();
        var count = 0;
        foreach (Match block in Block().Matches(guide))
        {
            var text = block.Groups["text"].Value;
            if (block.Groups["status"].Value is { Length: > 0 } status)
                Compare(await answer.ReadAsync(int.Parse(status, null)), JsonNode.Parse(text)!, text);
            else
                answer.Set(await SendAsync(http, Filled(text)));
            count++;
        }
        Assert.That(count, Is.GreaterThan(12));
    }

    // The first line is verb and path, then come headers, then the body.
    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, string text)
    {
        var lines = text.Split('\n');
        var first = lines[0].Split(' ');
        using var request = new HttpRequestMessage(new HttpMethod(first[0]), first[1]);
        var headers = lines.Skip(1).TakeWhile(line => !line.StartsWith('{')).ToArray();
        foreach (var header in headers)
            request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]);
        var body = string.Join('\n', lines.Skip(1 + headers.Length));
        if (body.Length > 0)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await http.SendAsync(request);
    }

    private string Filled(string text) =>
        Name().Replace(text, name => _known.GetValueOrDefault(name.Groups["name"].Value, name.Value));

    // What the guide shows is there; an answer may have more.
    private void Compare(JsonNode? actual, JsonNode expected, string example)
    {
        switch (expected)
        {
            case JsonObject members:
                foreach (var (name, value) in members)
                    Compare(actual?[name], value!, $"{name} of {example}");
                break;
            case JsonArray list:
                Assert.That(actual?.AsArray(), Has.Count.EqualTo(list.Count), example);
                for (var at = 0; at < list.Count; at++)
                    Compare(actual![at], list[at]!, example);
                break;
            default:
                CompareValue(actual, expected.ToString(), example);
                break;
        }
    }

    private void CompareValue(JsonNode? actual, string expected, string example)
    {
        Assert.That(actual, Is.Not.Null, example);
        var name = Name().Match(expected).Groups["name"].Value;
        if (name.Length > 0 && !_known.ContainsKey(name))
            _known[name] = actual!.ToString();
        else if (expected != Anything)
            Assert.That(actual!.ToString(), Is.EqualTo(Filled(expected)), example);
    }

    [GeneratedRegex(@"```(?:http|json (?<status>\d+))\n(?<text>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\{(?<name>[a-z_]+)\}")]
    private static partial Regex Name();

    /// <summary>The answer of the request before, read by the example behind it, if there is one.</summary>
    private sealed class Latest : IDisposable
    {
        private HttpResponseMessage? _answer;

        public void Set(HttpResponseMessage answer)
        {
            _answer?.Dispose();
            _answer = answer;
        }

        public async Task<JsonNode?> ReadAsync(int status)
        {
            var text = await _answer!.Content.ReadAsStringAsync();
            Assert.That((int)_answer.StatusCode, Is.EqualTo(status), text);
            return JsonNode.Parse(text);
        }

        public void Dispose() => _answer?.Dispose();
    }
}
