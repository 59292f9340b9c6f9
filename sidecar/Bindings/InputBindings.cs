using System.Globalization;
using System.Net;
using Dapr.AppCallback.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Polly;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Bindings;

/// <summary>
/// The bindings that call one app: asks the app once it is up which it wants, and calls it when they fire.
/// A firing that the app fails, or is not there for, is repeated as a policy says and no more: the next one
/// comes by itself.
/// </summary>
internal sealed partial class InputBindings(SidecarApp app, TimeProvider clock, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<BindingComponent> _all =
    [
        .. app.Components.Bindings.Where(binding => binding.Schedule is not null),
    ];

    private readonly CancellationTokenSource _draining = new();
    private CancellationTokenSource? _stopping;
    private Task _firing = Task.CompletedTask;

    /// <summary>Starts anew with what the app wants now.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        await StopAsync();
        if (_all.Count == 0)
            return;
        var wanted = await WantedAsync(cancellation);
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var token = _stopping.Token;
        _firing = Task.WhenAll(_all.Where(wanted.Contains).Select(binding => FireAsync(binding, token)));
    }

    /// <summary>Fires no more, and returns when the app has answered what fired.</summary>
    public async Task DrainAsync()
    {
        await _draining.CancelAsync();
        await _firing;
    }

    /// <summary>Calls the app no more, until it is refreshed.</summary>
    public async Task StopAsync()
    {
        if (_stopping is not { } stopping)
            return;
        _stopping = null;
        await stopping.CancelAsync();
        await _firing;
        stopping.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task<HashSet<BindingComponent>> WantedAsync(CancellationToken cancellation)
    {
        if (app.Channel.Callbacks is { } callbacks)
        {
            var names = await ListedAsync(callbacks, cancellation);
            return [.. _all.Where(binding => names.Contains(binding.Name))];
        }
        var wanted = new HashSet<BindingComponent>();
        foreach (var binding in _all)
        {
            if (await IsTakenAsync(binding, cancellation))
                wanted.Add(binding);
        }
        return wanted;
    }

    private async Task<ICollection<string>> ListedAsync(
        AppCallback.AppCallbackClient callbacks,
        CancellationToken cancellation
    )
    {
        try
        {
            var listed = await callbacks.ListInputBindingsAsync(
                new Empty(),
                app.Channel.Headers(),
                clock.GetUtcNow().Add(AnswerPatience).UtcDateTime,
                cancellation
            );
            return listed.Bindings;
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            app.Channel.Report(e);
            if (e.StatusCode != StatusCode.Unimplemented)
                LogNotAsked(logger, e, app.AppId);
            return [];
        }
    }

    // Dapr's question to an HTTP app: whatever is not "no such path" is a yes.
    private async Task<bool> IsTakenAsync(BindingComponent binding, CancellationToken cancellation)
    {
        if (app.Channel.Http is not { } http)
            return false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerPatience);
        try
        {
            using var request = http.Request(HttpMethod.Options, binding.Route);
            using var response = await http.SendAsync(request, limit.Token);
            return response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.MethodNotAllowed;
        }
        catch (HttpRequestException e)
        {
            app.Channel.Report(e);
            LogNotAsked(logger, e, app.AppId);
            return false;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            LogNotAsked(logger, e, app.AppId);
            return false;
        }
    }

    private async Task FireAsync(BindingComponent binding, CancellationToken cancellation)
    {
        if (binding.Schedule is not { } schedule)
            return;
        var policy = PolicyOf(binding);
        using var waits = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _draining.Token);
        try
        {
            while (true)
            {
                var next = schedule.Next(clock.GetUtcNow());
                await DelayUntilAsync(next, waits.Token);
                await DeliverAsync(binding, schedule, policy, cancellation);
            }
        }
        catch (Exception e)
            when (waits.IsCancellationRequested
                && e is OperationCanceledException or RpcException or HttpRequestException
            )
        {
            // Stopped, or about to start anew; a call under way says so in its own way.
        }
    }

    private async Task DelayUntilAsync(DateTimeOffset next, CancellationToken cancellation)
    {
        // A timer counts whole milliseconds and has a limit of some 49 days.
        var longest = TimeSpan.FromDays(1);
        for (var left = next - clock.GetUtcNow(); left > TimeSpan.Zero; left = next - clock.GetUtcNow())
        {
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds));
            await Task.Delay(wait < longest ? wait : longest, clock, cancellation);
        }
    }

    private async Task DeliverAsync(
        BindingComponent binding,
        CronSchedule schedule,
        ResiliencePipeline<bool> policy,
        CancellationToken cancellation
    )
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["readTimeUTC"] = clock
                .GetUtcNow()
                .ToString("yyyy-MM-dd HH:mm:ss.fffffff '+0000 UTC'", CultureInfo.InvariantCulture),
            ["timeZone"] = schedule.Zone.Id,
        };
        try
        {
            await policy.ExecuteAsync(
                async token =>
                {
                    await CallAsync(binding, metadata, token);
                    return true;
                },
                cancellation
            );
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            LogFailed(logger, binding.Name, app.AppId, e.Message);
        }
    }

    private async Task CallAsync(
        BindingComponent binding,
        Dictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        try
        {
            if (app.Channel.Callbacks is { } callbacks)
                await CallAsync(callbacks, binding, metadata, cancellation);
            else if (app.Channel.Http is { } http)
                await PostAsync(http, binding, metadata, cancellation);
        }
        catch (RpcException e)
        {
            app.Channel.Report(e);
            throw;
        }
        catch (HttpRequestException e)
        {
            app.Channel.Report(e);
            throw;
        }
    }

    // Without a policy a firing is tried once.
    private ResiliencePipeline<bool> PolicyOf(BindingComponent binding) =>
        app.Components.Resiliency.ForInput(binding.Name)?.For<bool>(Judge) ?? ResiliencePipeline<bool>.Empty;

    private static Failure? Judge(Outcome<bool> outcome) =>
        outcome.Exception switch
        {
            null or OperationCanceledException => null,
            RpcException e => new Failure(GrpcCode: (int)e.StatusCode),
            HttpRequestException e => new Failure(HttpStatus: (int?)e.StatusCode),
            _ => new Failure(),
        };

    private async Task CallAsync(
        AppCallback.AppCallbackClient callbacks,
        BindingComponent binding,
        Dictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        var fired = new BindingEventRequest { Name = binding.Name };
        fired.Metadata.Add(metadata);
        BindingEventResponse response;
        using (await app.Channel.EnterAsync(cancellation))
            response = await callbacks.OnBindingEventAsync(
                fired,
                app.Channel.Headers(),
                cancellationToken: cancellation
            );
        await BindingAnswer.Of(response).FulfilAsync(app, cancellation);
    }

    private async Task PostAsync(
        HttpAppChannel http,
        BindingComponent binding,
        Dictionary<string, string> metadata,
        CancellationToken cancellation
    )
    {
        using var request = http.Request(HttpMethod.Post, binding.Route);
        foreach (var (name, value) in metadata)
            request.Headers.TryAddWithoutValidation(name, value);
        request.Content = new ByteArrayContent([]);
        byte[] body;
        using (await app.Channel.EnterAsync(cancellation))
        {
            using var response = await http.SendAsync(request, cancellation);
            if (!response.IsSuccessStatusCode)
                throw new HttpRequestException(
                    $"the app answers {(int)response.StatusCode}",
                    null,
                    response.StatusCode
                );
            body = await response.Content.ReadAsByteArrayAsync(cancellation);
        }
        if (BindingAnswer.Read(app, body) is { } answer)
            await answer.FulfilAsync(app, cancellation);
    }

    [LoggerMessage(LogLevel.Warning, "{App} cannot be asked which bindings it wants")]
    private static partial void LogNotAsked(ILogger logger, Exception exception, string app);

    [LoggerMessage(LogLevel.Warning, "Binding {Binding} fired and {App} did not take it: {Reason}")]
    private static partial void LogFailed(ILogger logger, string binding, string app, string reason);
}
