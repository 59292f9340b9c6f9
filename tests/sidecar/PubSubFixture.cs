using System.Text;
using Souk.Sidecar.Files;

namespace Souk.Tests.Sidecar;

/// <summary>A publisher and a subscriber, each with its sidecar, on a topic of the test's own.</summary>
internal abstract class PubSubFixture : SidecarFixture
{
    protected const string Publisher = "publisher";
    protected const string Subscriber = "subscriber";

    protected static AppSpec HttpApp(HttpTopicApp app) =>
        TestSidecar.App(Subscriber, app.Port) with
        {
            Protocol = "http",
        };

    protected async Task<TestSidecar> StartAsync(string components, params AppSpec[] apps) =>
        Own(await TestSidecar.StartAsync(components, [TestSidecar.App(Publisher), .. apps]));

    protected async Task<(TestSidecar Sidecar, HttpTopicApp App)> StartHttpAsync(
        string subscriptions,
        string resiliency = ""
    )
    {
        var app = Own(await HttpTopicApp.StartAsync(subscriptions));
        return (await StartAsync(Yaml.RedisPubSub() + resiliency, HttpApp(app)), app);
    }

    protected static async Task PublishAsync(
        TestSidecar sidecar,
        string topic,
        string data,
        string contentType = "application/json",
        params (string Name, string Value)[] metadata
    ) =>
        await sidecar
            .Client(Publisher)
            .PublishEventAsync(PublishRequest.Of(topic, data, contentType, metadata));

    /// <summary>Sends to the publisher's sidecar and returns status and body of the answer.</summary>
    protected static async Task<(int Status, string Body)> PostAsync(
        TestSidecar sidecar,
        string path,
        string body,
        string? contentType = "application/json",
        params (string Name, string Value)[] headers
    )
    {
        using var client = new HttpClient();
        var uri = new Uri($"http://127.0.0.1:{sidecar.Spec(Publisher).HttpPort}{path}");
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (contentType is not null)
            content.Headers.TryAddWithoutValidation("content-type", contentType);
        using var request = new HttpRequestMessage(HttpMethod.Post, uri) { Content = content };
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        using var response = await client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
