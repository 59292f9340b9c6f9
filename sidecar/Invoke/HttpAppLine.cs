using Souk.Sidecar.Proxy;

namespace Souk.Sidecar.Invoke;

/// <summary>To an app that speaks HTTP.</summary>
internal sealed class HttpAppLine(SidecarApp app, HttpAppChannel http, TimeProvider clock) : IInvokeLine
{
    public bool NeedsWholeBody => false;

    public ValueTask<AppChannel.Place> EnterAsync(CancellationToken cancellation) =>
        app.Channel.EnterAsync(cancellation);

    public async Task<HttpResponseMessage> SendAsync(InvokeMessage message, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var request = http.Request(new HttpMethod(message.Verb), message.PathAndQuery);
            message.Fill(request);
            try
            {
                return await http.SendAsync(request, cancellation);
            }
            catch (HttpRequestException e)
                when (e.HttpRequestError == HttpRequestError.ConnectionError && !message.Body.IsSpent)
            {
                app.Channel.ReportDown();
                if (attempt >= Transport.ConnectDelays.Count)
                    throw;
                await Task.Delay(Transport.ConnectDelays[attempt], clock, cancellation);
            }
        }
    }
}
