using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Souk.Tests.Sidecar;

/// <summary>
/// A mail server that takes what it is given, and refuses one address. It speaks the real protocol; with a
/// certificate it offers STARTTLS, or speaks TLS from the start.
/// </summary>
internal sealed class StubSmtpServer : IAsyncDisposable
{
    internal const string Refused = "nobody@example.com";

    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly X509Certificate2? _certificate;
    private readonly bool _tlsFromTheStart;
    private readonly Task _accepting;

    internal StubSmtpServer(
        X509Certificate2? certificate = null,
        bool tlsFromTheStart = false,
        IPEndPoint? place = null
    )
    {
        _listener = new TcpListener(place ?? new IPEndPoint(IPAddress.Loopback, 0));
        _certificate = certificate;
        _tlsFromTheStart = tlsFromTheStart;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    internal System.Collections.Concurrent.ConcurrentQueue<ReceivedMail> Mails { get; } = new();

    /// <summary>Lines that anybody on the way could read.</summary>
    internal System.Collections.Concurrent.ConcurrentQueue<string> SaidInTheOpen { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                try
                {
                    await ServeAsync(client.GetStream());
                }
                catch (Exception e) when (e is IOException or AuthenticationException)
                {
                    // The client does not trust this server, and hung up.
                }
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Stream stream)
    {
        if (_tlsFromTheStart)
            stream = await EncryptAsync(stream);
        await using (var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\r\n" })
            await writer.WriteLineAsync("220 stub ready");
        if (await TalkAsync(stream))
            await TalkAsync(await EncryptAsync(stream));
    }

    private async Task<SslStream> EncryptAsync(Stream stream)
    {
        var secure = new SslStream(stream);
        await secure.AuthenticateAsServerAsync(
            _certificate ?? throw new InvalidOperationException("there is no certificate")
        );
        return secure;
    }

    // True when the client wants to go on under TLS.
    private async Task<bool> TalkAsync(Stream stream)
    {
        var isOpen = stream is not SslStream;
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        await using var writer = new StreamWriter(stream, leaveOpen: true)
        {
            NewLine = "\r\n",
            AutoFlush = true,
        };
        var mail = new ReceivedMail { WasEncrypted = !isOpen };
        while (await reader.ReadLineAsync() is { } line)
        {
            if (isOpen)
                SaidInTheOpen.Enqueue(line);
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    var offer = isOpen && _certificate is not null ? "250-STARTTLS\r\n" : "";
                    await writer.WriteAsync(
                        $"250-stub greets you\r\n{offer}250-AUTH PLAIN\r\n250 8BITMIME\r\n"
                    );
                    break;
                case "STARTTLS":
                    await writer.WriteLineAsync("220 go ahead");
                    return true;
                case "AUTH":
                    mail.Login = Encoding.UTF8.GetString(Convert.FromBase64String(line.Split(' ')[2]));
                    await writer.WriteLineAsync("235 welcome");
                    break;
                case "MAIL":
                    mail.From = line;
                    await writer.WriteLineAsync("250 ok");
                    break;
                case "RCPT":
                    mail.Recipients.Add(line["RCPT TO:<".Length..^1]);
                    var isRefused = line.Contains(Refused, StringComparison.Ordinal);
                    await writer.WriteLineAsync(isRefused ? "550 no such mailbox" : "250 ok");
                    break;
                case "DATA":
                    await writer.WriteLineAsync("354 go on");
                    var text = new StringBuilder();
                    while (await reader.ReadLineAsync() is { } part && part != ".")
                        text.Append(part).Append('\n');
                    mail.Text = text.ToString();
                    Mails.Enqueue(mail);
                    await writer.WriteLineAsync("250 taken");
                    break;
                default:
                    await writer.WriteLineAsync("221 bye");
                    return false;
            }
        }
        return false;
    }
}

internal sealed class ReceivedMail
{
    internal bool WasEncrypted { get; init; }

    internal string Login { get; set; } = "";

    internal string From { get; set; } = "";

    internal List<string> Recipients { get; } = [];

    internal string Text { get; set; } = "";

    internal string Html => Encoding.UTF8.GetString(Convert.FromBase64String(Text.Split("\n\n")[1]));
}
