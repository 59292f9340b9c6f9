using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;

namespace Souk.Sidecar.Api.Http;

/// <summary>Secrets over HTTP.</summary>
internal static class SecretHttp
{
    public static void Map(ApiRoutes routes)
    {
        routes.Get("/v1.0/secrets/{store}/bulk", GetAll);
        routes.Get("/v1.0/secrets/{store}/{name}", Get);
    }

    private static Task Get(ApiCall call)
    {
        var request = new GetSecretRequest { StoreName = call.Value("store"), Key = call.Value("name") };
        request.Metadata.Add(call.Metadata());
        var secret = SecretApi.Get(call.App, request);
        return secret.Data.Count == 0
            ? call.NoContentAsync()
            : call.AnswerAsync(json => Write(json, secret.Data));
    }

    private static Task GetAll(ApiCall call)
    {
        var request = new GetBulkSecretRequest { StoreName = call.Value("store") };
        request.Metadata.Add(call.Metadata());
        var secrets = SecretApi.GetAll(call.App, request);
        return call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            foreach (var (name, secret) in secrets.Data)
            {
                json.WritePropertyName(name);
                Write(json, secret.Secrets);
            }
            json.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, string>> values)
    {
        json.WriteStartObject();
        foreach (var (name, value) in values)
            json.WriteString(name, value);
        json.WriteEndObject();
    }
}
