using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Souk.Tests.Sidecar;

/// <summary>A server that speaks TLS to its callers and hands on what they say in the open.</summary>
internal sealed class TlsRelay : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Task> _lines = [];
    private readonly X509Certificate2 _certificate;
    private readonly string[] _target;
    private readonly Task _accepting;

    internal TlsRelay(X509Certificate2 certificate, string target)
    {
        _certificate = certificate;
        _target = target.Split(':');
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Whom the callers' certificates name; empty for a caller without one.</summary>
    internal ConcurrentQueue<string> Callers { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_lines);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _lines.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient caller)
    {
        using var _ = caller;
        await using var secure = new SslStream(caller.GetStream());
        using var target = new TcpClient();
        try
        {
            await secure.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificate = _certificate,
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => Seen(certificate),
                },
                _stop.Token
            );
            await target.ConnectAsync(_target[0], int.Parse(_target[1], null), _stop.Token);
            var plain = target.GetStream();
            await Task.WhenAny(
                secure.CopyToAsync(plain, _stop.Token),
                plain.CopyToAsync(secure, _stop.Token)
            );
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException)
        {
            // A caller that did not like the certificate, or the end of the test.
        }
    }

    private bool Seen(X509Certificate? certificate)
    {
        Callers.Enqueue(certificate?.Subject ?? "");
        return true;
    }
}
