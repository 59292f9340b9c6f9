using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Bindings;

/// <summary>
/// <c>bindings.smtp</c>: one mail for each <c>create</c>, its body taken as HTML. What a request says about
/// addresses and subject counts before the component, for that mail only.
/// </summary>
internal sealed class SmtpBinding : IOutputBinding
{
    private const int ImplicitTlsPort = 465;

    private readonly ComponentSpec _spec;
    private readonly SmtpServer _server;

    public SmtpBinding(ComponentSpec spec)
    {
        _spec = spec;
        var port = spec.Whole("port", 0);
        if (port is <= 0 or > ushort.MaxValue)
            throw spec.Error("port", "is required, from 1 to 65535");
        _server = new SmtpServer(spec.Required("host"), port)
        {
            User = spec.Text("user"),
            Password = spec.Text("password"),
            IsTlsFromTheStart = port == ImplicitTlsPort,
            SkipsVerification = spec.Flag("skipTLSVerify"),
        };
        Priority(spec.Text("priority"));
    }

    public IReadOnlyList<string> Operations { get; } = ["create"];

    public async Task<BindingReply> InvokeAsync(BindingCall call, CancellationToken cancellation)
    {
        string? Setting(string name) =>
            (call.Find(name) ?? _spec.Text(name)) is { Length: > 0 } value ? value : null;
        string[] Addresses(string name) =>
            Setting(name)?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            ?? [];

        var mail = new Mail(
            Setting("emailFrom") ?? throw new BindingException("emailFrom is missing"),
            Setting("subject") ?? throw new BindingException("subject is missing")
        )
        {
            To = Addresses("emailTo"),
            Cc = Addresses("emailCC"),
            Bcc = Addresses("emailBCC"),
            Priority = Priority(Setting("priority")),
            Html = TextOf(call.Data),
        };
        if (mail.To.Count == 0)
            throw new BindingException("emailTo is missing");
        try
        {
            await using var session = await SmtpSession.OpenAsync(_server, cancellation);
            await session.SendAsync(mail, cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
        {
            throw new BindingException($"{_server.Host}:{_server.Port}: {e.Message}", e);
        }
        return new BindingReply(default);
    }

    private static int Priority(string? text) =>
        text is null ? Mail.NormalPriority
        : int.TryParse(text, CultureInfo.InvariantCulture, out var priority) && priority is >= 1 and <= 5
            ? priority
        : throw new BindingException($"priority must be from 1 to 5, not '{text}'");

    // Over HTTP the data of a request is JSON: a text arrives in quotes.
    private static string TextOf(ReadOnlyMemory<byte> data)
    {
        var text = Encoding.UTF8.GetString(data.Span);
        if (!text.StartsWith('"') || !text.EndsWith('"'))
            return text;
        try
        {
            return JsonSerializer.Deserialize<string>(text) ?? text;
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
