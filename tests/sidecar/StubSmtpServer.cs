using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Souk.Tests.Sidecar;

/// <summary>A mail server that takes what it is given, and refuses one address; it speaks the real
/// protocol.</summary>
internal sealed class StubSmtpServer : IAsyncDisposable
{
    internal const string Refused = "nobody@example.com";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    internal StubSmtpServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    internal System.Collections.Concurrent.ConcurrentQueue<ReceivedMail> Mails { get; } = new();

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
                await ServeAsync(client.GetStream());
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        await using var writer = new StreamWriter(stream) { NewLine = "\r\n", AutoFlush = true };
        var mail = new ReceivedMail();
        await writer.WriteLineAsync("220 stub ready");
        while (await reader.ReadLineAsync() is { } line)
        {
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    await writer.WriteAsync("250-stub greets you\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n");
                    break;
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
                    return;
            }
        }
    }
}

internal sealed class ReceivedMail
{
    internal string Login { get; set; } = "";

    internal string From { get; set; } = "";

    internal List<string> Recipients { get; } = [];

    internal string Text { get; set; } = "";

    internal string Html => Encoding.UTF8.GetString(Convert.FromBase64String(Text.Split("\n\n")[1]));
}
