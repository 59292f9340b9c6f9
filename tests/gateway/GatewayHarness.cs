using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Souk.Gateway;
using Souk.Gateway.Routing;
using Souk.Shared;
using Souk.Tests.Gateway.Protos;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>The real gateway on a real port, in front of <see cref="EchoBackend"/> on another.</summary>
internal sealed class GatewayHarness : IAsyncDisposable
{
    private const string KeyId = "test-key";

    // A machine that stalls must not end the calls of tests that do not ask for it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly ECDsa SigningKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private readonly WebApplication _backend;
    private readonly WebApplication _gateway;
    private GrpcChannel? _channel;

    private GatewayHarness(
        WebApplication backend,
        WebApplication gateway,
        EchoBackend echo,
        TestHealth health
    )
    {
        (_backend, _gateway, Echo, Health) = (backend, gateway, echo, health);
        Http = new HttpClient { BaseAddress = Address(gateway), Timeout = TimeSpan.FromSeconds(90) };
    }

    public EchoBackend Echo { get; }

    public TestHealth Health { get; }

    /// <summary>Where operators look.</summary>
    public Uri OperatorOrigin => new(_gateway.Urls.Last());

    public ChangeBackend Changes => Part<ChangeBackend>(_backend);

    public TrafficBackend Traffic => Part<TrafficBackend>(_backend);

    public HttpClient Http { get; }

    /// <summary>The gateway as a gRPC client sees it.</summary>
    public EchoService.EchoServiceClient Grpc => new(Channel);

    /// <summary>Where the gateway listens.</summary>
    public Uri Origin => Address(_gateway);

    public GrpcChannel Channel => _channel ??= GrpcChannel.ForAddress(Address(_gateway));

    public static async Task<GatewayHarness> StartAsync(
        Func<GatewaySettings, GatewaySettings>? change = null,
        TimeProvider? clock = null,
        bool hearsOfChanges = false,
        ILoggerProvider? logs = null,
        KeyBackend? identity = null
    )
    {
        var echo = new EchoBackend();
        var health = new TestHealth();
        var builder = Loopback.Builder((0, HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(echo);
        builder.Services.AddSingleton(health);
        builder.Services.AddSingleton<TrafficBackend>();
        builder.Services.AddSingleton(identity ?? new KeyBackend());
        builder.Services.AddSingleton(new ChangeBackend { IsOn = hearsOfChanges });
        var backend = builder.Build();
        backend.MapGrpcService<EchoBackend>();
        backend.MapGrpcService<TrafficBackend>();
        backend.MapGrpcService<ChangeBackend>();
        backend.MapGrpcService<TestHealth>();
        backend.MapGrpcService<KeyBackend>();
        await backend.StartAsync();
        var settings = new GatewaySettings
        {
            Port = 0,
            SidecarPort = Address(backend).Port,
            Deadline = Patience,
        };
        var gateway = GatewayHost.Build(
            change?.Invoke(settings) ?? settings,
            Contracts.Of([EchoReflection.Descriptor, TrafficReflection.Descriptor]),
            logs is null ? LogLevel.None : LogLevel.Information,
            services =>
            {
                if (identity is null)
                    services.AddSingleton<ITokenKeySource>(new OneKey());
                services.AddSingleton(clock ?? TimeProvider.System);
                if (logs is null)
                    return;
                services.AddSingleton(logs);
                services.Configure<LoggerFilterOptions>(options =>
                    options.AddFilter<ConsoleLoggerProvider>(null, LogLevel.None)
                );
            }
        );
        await gateway.StartAsync();
        return new GatewayHarness(backend, gateway, echo, health);
    }

    /// <summary>A part of the gateway.</summary>
    public T Part<T>()
        where T : notnull => Part<T>(_gateway);

    /// <summary>An access token as identity signs them.</summary>
    public static string Token(string role = "seller", TimeSpan? age = null)
    {
        var now = TimeProvider.System.GetUtcNow() - (age ?? TimeSpan.Zero);
        var header = Encode($$"""{"alg":"ES256","typ":"JWT","kid":"{{KeyId}}"}""");
        var payload = Encode(
            $$"""
            {"iss":"souk","aud":"souk","sub":"user_{{role}}","roles":["{{role}}"],
             "iat":{{now.ToUnixTimeSeconds()}},"exp":{{now.AddMinutes(15).ToUnixTimeSeconds()}}}
            """
        );
        var signature = SigningKey.SignData(
            Encoding.ASCII.GetBytes($"{header}.{payload}"),
            HashAlgorithmName.SHA256
        );
        return $"{header}.{payload}.{Base64Url.EncodeToString(signature)}";
    }

    public async Task<Answer> SendAsync(
        string method,
        string path,
        string? body = null,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value) && request.Content is { } content)
            {
                content.Headers.Remove(name);
                content.Headers.TryAddWithoutValidation(name, value);
            }
        }
        var response = await Http.SendAsync(request);
        return new Answer(response, await response.Content.ReadAsStringAsync());
    }

    public Task<Answer> SendAsAsync(
        string role,
        string method,
        string path,
        string? body = null,
        params (string, string)[] headers
    ) => SendAsync(method, path, body, [("Authorization", $"Bearer {Token(role)}"), .. headers]);

    /// <summary>The gateway's figures, as operators read them.</summary>
    public async Task<string> MetricsAsync()
    {
        using var operators = new HttpClient { BaseAddress = OperatorOrigin };
        return await operators.GetStringAsync(new Uri("/metrics", UriKind.Relative));
    }

    /// <summary>Stops the gateway as a signal would.</summary>
    public Task StopAsync() => _gateway.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _channel?.Dispose();
        await _gateway.DisposeAsync();
        await _backend.DisposeAsync();
    }

    private static T Part<T>(WebApplication app)
        where T : notnull => app.Services.GetRequiredService<T>();

    private static Uri Address(WebApplication app) => new(app.Urls.First());

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

    private sealed class OneKey : ITokenKeySource
    {
        public Task<IReadOnlyList<TokenKey>> GetAsync(CancellationToken token)
        {
            var point = SigningKey.ExportParameters(false).Q;
            return Task.FromResult<IReadOnlyList<TokenKey>>([new TokenKey(KeyId, point.X!, point.Y!)]);
        }
    }
}

/// <summary>A response with its body.</summary>
internal sealed record Answer(HttpResponseMessage Response, string Body)
{
    public int Status => (int)Response.StatusCode;

    public JsonNode Json => JsonNode.Parse(Body)!;

    public string Header(string name) =>
        Response.Headers.TryGetValues(name, out var values)
        || Response.Content.Headers.TryGetValues(name, out values)
            ? string.Join(',', values)
            : "";

    /// <summary>Status, code and reason of a problem.</summary>
    public (int, string?, string?) Problem => (Status, (string?)Json["code"], (string?)Json["reason"]);
}

/// <summary>A health service whose answer the test sets.</summary>
internal sealed class TestHealth : Health.HealthBase
{
    public HealthCheckResponse.Types.ServingStatus Status { get; set; } =
        HealthCheckResponse.Types.ServingStatus.Serving;

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        Task.FromResult(new HealthCheckResponse { Status = Status });
}
