using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Souk.Sidecar.Bindings;

/// <summary>Where mail is handed in, and as whom.</summary>
internal sealed record SmtpServer(string Host, int Port)
{
    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>TLS before the first word, as on port 465; otherwise when the server offers it.</summary>
    public bool IsTlsFromTheStart { get; init; }

    public bool SkipsVerification { get; init; }
}

/// <summary>
/// One conversation with a mail server (RFC 5321). Its own, because the framework's client knows neither TLS
/// from the start nor TLS where it is offered.
/// </summary>
internal sealed class SmtpSession : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SmtpServer _server;
    private readonly TcpClient _client;
    private readonly HashSet<string> _extensions = new(StringComparer.OrdinalIgnoreCase);
    private Stream _stream;
    private StreamReader _reader;

    private SmtpSession(SmtpServer server, TcpClient client)
    {
        _server = server;
        _client = client;
        _stream = client.GetStream();
        _reader = new StreamReader(_stream, Encoding.Latin1);
    }

    /// <summary>Connects, encrypts where that is possible, and logs in where there is a user.</summary>
    public static async Task<SmtpSession> OpenAsync(SmtpServer server, CancellationToken cancellation)
    {
        var client = new TcpClient();
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(Patience);
            await client.ConnectAsync(server.Host, server.Port, patience.Token);
            var session = new SmtpSession(server, client);
            await session.GreetAsync(patience.Token);
            return session;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            client.Dispose();
            throw new BindingException($"{server.Host}:{server.Port} does not answer");
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public async Task SendAsync(Mail mail, CancellationToken cancellation)
    {
        await CommandAsync($"MAIL FROM:<{Mail.AddressOf(mail.From)}>", 250, cancellation);
        foreach (var recipient in mail.Recipients)
            await CommandAsync($"RCPT TO:<{recipient}>", 250, cancellation);
        await CommandAsync("DATA", 354, cancellation);
        var now = TimeProvider.System.GetUtcNow();
        // The body is Base64 and headers have names: no line begins with the dot that would end the mail.
        var text = mail.Format(now, Guid.CreateVersion7(now).ToString("N"));
        await CommandAsync(text + ".", 250, cancellation);
        await CommandAsync("QUIT", 221, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        await _stream.DisposeAsync();
        _client.Dispose();
    }

    private async Task GreetAsync(CancellationToken cancellation)
    {
        if (_server.IsTlsFromTheStart)
            await EncryptAsync(cancellation);
        await ReplyAsync(220, cancellation);
        await HelloAsync(cancellation);
        if (!_server.IsTlsFromTheStart && _extensions.Contains("STARTTLS"))
        {
            await CommandAsync("STARTTLS", 220, cancellation);
            await EncryptAsync(cancellation);
            await HelloAsync(cancellation);
        }
        if (_server is not { User: { } user, Password: { } password })
            return;
        // A password goes over an unencrypted line to this machine only.
        if (_stream is not SslStream && !IsLoopback)
            throw new BindingException("the server offers no TLS, and the password is not sent without");
        var login = Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{user}\0{password}"));
        await CommandAsync($"AUTH PLAIN {login}", 235, cancellation);
    }

    private bool IsLoopback =>
        _client.Client.RemoteEndPoint is System.Net.IPEndPoint { Address: var address }
        && System.Net.IPAddress.IsLoopback(address);

    private async Task HelloAsync(CancellationToken cancellation)
    {
        _extensions.Clear();
        foreach (var line in await CommandAsync("EHLO localhost", 250, cancellation))
            _extensions.Add(line.Split(' ')[0]);
    }

    private async Task EncryptAsync(CancellationToken cancellation)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = _server.Host,
            RemoteCertificateValidationCallback = (_, _, _, problems) =>
                problems == SslPolicyErrors.None || _server.SkipsVerification,
        };
        var secure = new SslStream(_stream);
        await secure.AuthenticateAsClientAsync(options, cancellation);
        _stream = secure;
        _reader = new StreamReader(_stream, Encoding.Latin1);
    }

    private async Task<List<string>> CommandAsync(string command, int wanted, CancellationToken cancellation)
    {
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n"), cancellation);
        return await ReplyAsync(wanted, cancellation);
    }

    // "250-more to come", "250 the last line".
    private async Task<List<string>> ReplyAsync(int wanted, CancellationToken cancellation)
    {
        var lines = new List<string>();
        while (true)
        {
            var line =
                await _reader.ReadLineAsync(cancellation)
                ?? throw new BindingException("the mail server hung up");
            if (
                line.Length < 3
                || !int.TryParse(line.AsSpan(0, 3), CultureInfo.InvariantCulture, out var code)
            )
                throw new BindingException($"the mail server says '{line}'");
            lines.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length > 3 && line[3] == '-')
                continue;
            return code == wanted ? lines : throw new BindingException($"the mail server says '{line}'");
        }
    }
}
