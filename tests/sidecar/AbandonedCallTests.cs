using Dapr.AppCallback.Autogen.Grpc.v1;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>
/// Callers who leave in great numbers while the app goes on working for them: nobody else may pay for it,
/// though all calls share few connections to the app.
/// </summary>
internal sealed class AbandonedCallTests : SidecarFixture
{
    // A server keeps twice as many streams of a connection as it allows at once, a hundred here. Then it
    // resets every new one, whoever's it is.
    private const int Waves = 12;
    private const int CallersEach = 40;

    [TestCase(false)]
    [TestCase(true)]
    public async Task Invoke_ManyLeftAnAppThatGoesOnForThem_OthersAreAnswered(bool byMessage)
    {
        var deaf = new DeafApp();
        var app = Own(await CallbackApp.StartAsync(deaf));
        var sidecar = Own(
            await TestSidecar.StartAsync("", TestSidecar.App("caller"), TestSidecar.App("app", app.Port))
        );
        try
        {
            using var begun = Proxied(sidecar, "begin", default);
            await begun.ResponseHeadersAsync;
            for (var wave = 1; wave <= Waves; wave++)
            {
                await LeaveAsync(deaf, wave * CallersEach, token => CallAsync(sidecar, "hold", token));
                await CallAsync(sidecar, "answer", default);
            }
            deaf.Release();
            // It lasted longer than the calls for which its connection was left.
            Assert.That(await begun, Is.EqualTo(new InvokeResponse()));
        }
        finally
        {
            deaf.Release();
        }

        async Task CallAsync(TestSidecar through, string method, CancellationToken token)
        {
            if (!byMessage)
            {
                await Proxied(through, method, token);
                return;
            }
            var request = new InvokeServiceRequest { Id = "app", Message = Request(method) };
            await through.Client("caller").InvokeServiceAsync(request, cancellationToken: token);
        }
    }

    private static AsyncUnaryCall<InvokeResponse> Proxied(
        TestSidecar sidecar,
        string method,
        CancellationToken token
    )
    {
        var client = new AppCallback.AppCallbackClient(sidecar.Channel("caller"));
        return client.OnInvokeAsync(Request(method), new Metadata { { "dapr-app-id", "app" } }, null, token);
    }

    private static InvokeRequest Request(string method) => new() { Method = method, Data = new Any() };

    /// <summary>They leave once the app works for all of them.</summary>
    private static async Task LeaveAsync(DeafApp app, int until, Func<CancellationToken, Task> call)
    {
        using var gone = new CancellationTokenSource();
        var calls = Enumerable.Range(0, CallersEach).Select(_ => LeftAsync(call, gone.Token)).ToArray();
        await Eventually.ThatAsync(() => app.Held >= until);
        await gone.CancelAsync();
        await Task.WhenAll(calls);
    }

    private static async Task LeftAsync(Func<CancellationToken, Task> call, CancellationToken gone)
    {
        try
        {
            await call(gone);
            Assert.Fail("answered while the app holds all calls");
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled) { }
    }

    /// <summary>Does not hear that a caller has left.</summary>
    private sealed class DeafApp : AppCallback.AppCallbackBase
    {
        private readonly TaskCompletionSource _release = new(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        private int _held;

        public int Held => Volatile.Read(ref _held);

        public void Release() => _release.TrySetResult();

        public override async Task<InvokeResponse> OnInvoke(InvokeRequest request, ServerCallContext context)
        {
            switch (request.Method)
            {
                case "begin":
                    await context.WriteResponseHeadersAsync([]);
                    await _release.Task;
                    break;
                case "hold":
                    Interlocked.Increment(ref _held);
                    await _release.Task;
                    break;
            }
            return new InvokeResponse();
        }

        public override Task<ListTopicSubscriptionsResponse> ListTopicSubscriptions(
            Empty request,
            ServerCallContext context
        ) => Task.FromResult(new ListTopicSubscriptionsResponse());
    }
}
