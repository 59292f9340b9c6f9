using System.Net;
using System.Net.Quic;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Souk.Shared.Connections;

namespace Souk.Gateway.Listening;

/// <summary>
/// Where and how the gateway listens: HTTP/1.1 and HTTP/2 on one port, under TLS where there is a
/// certificate.
/// </summary>
internal static class Listener
{
    private const int ConnectionsMax = 10_000;
    private const long DrainedBodies = 16;
    private const int HeaderBytesMax = 32 * 1024;
    private const int HeadersMax = 100;
    private const int BytesPerSecondMin = 240;
    private const int StreamsPerConnectionMax = 100;

    /// <summary>Adds what the endpoints need; <paramref name="settings"/> decide which there are.</summary>
    public static void Add(WebApplicationBuilder host, GatewaySettings settings)
    {
        // Where the system has no library for QUIC, which HTTP/3 needs, the latter adds nothing.
        host.WebHost.UseKestrelCore().UseQuic();
        // A connection may be silent for as long as a request's headers may take, and no longer.
        var priorKnowledge = new PriorKnowledge("http2-in-process", settings.HeadersTimeout);
        host.Services.AddSingleton<IConnectionListenerFactory, PriorKnowledgeListeners>();
        host.Services.AddSingleton<Certificate>();
        // Saves a system call for each read; a silent connection keeps a buffer of 4 KiB in return.
        host.WebHost.UseSockets(sockets => sockets.WaitForDataBeforeAllocatingBuffer = false);
        host.WebHost.ConfigureKestrel(options =>
        {
            Limit(options, settings);
            var address = IPAddress.Parse(settings.Address);
            if (settings.CertificateFile.Length > 0)
            {
                var certificate = options.ApplicationServices.GetRequiredService<Certificate>();
                options.Listen(address, settings.Port, listen => Secure(listen, certificate));
                return;
            }
            options.Listen(address, settings.Port, listen => Sort(listen, priorKnowledge));
            options.Listen(priorKnowledge, listen => listen.Protocols = HttpProtocols.Http2);
        });
    }

    private static void Limit(KestrelServerOptions options, GatewaySettings settings)
    {
        options.AddServerHeader = false;
        // Our own limit answers with a problem; Kestrel then reads on for a while, so that the caller gets to
        // see it.
        options.Limits.MaxRequestBodySize = settings.BodyBytesMax * DrainedBodies;
        options.Limits.MaxConcurrentConnections = ConnectionsMax;
        options.Limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
        options.Limits.MaxRequestHeaderCount = HeadersMax;
        options.Limits.RequestHeadersTimeout = settings.HeadersTimeout;
        // Who sends or reads slower than this only means to hold us.
        var rate = new MinDataRate(BytesPerSecondMin, settings.HeadersTimeout);
        options.Limits.MinRequestBodyDataRate = rate;
        options.Limits.MinResponseDataRate = rate;
        options.Limits.Http2.MaxRequestHeaderFieldSize = HeaderBytesMax;
        options.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnectionMax;
        options.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
    }

    private static void Sort(ListenOptions listen, PriorKnowledge priorKnowledge)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(http1 => connection => priorKnowledge.SortAsync(connection, http1));
    }

    private static void Secure(ListenOptions listen, Certificate certificate)
    {
        listen.Protocols = IsQuicSupported()
            ? HttpProtocols.Http1AndHttp2AndHttp3
            : HttpProtocols.Http1AndHttp2;
        listen.UseHttps(certificate.Open());
    }

    private static bool IsQuicSupported() =>
        (OperatingSystem.IsLinux() || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS())
        && QuicListener.IsSupported;
}
