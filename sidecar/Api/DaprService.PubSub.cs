using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Souk.Sidecar.Api;

/// <summary>Publishing, and subscriptions that are streams.</summary>
internal sealed partial class DaprService
{
    public override async Task<Empty> PublishEvent(PublishEventRequest request, ServerCallContext context)
    {
        await PubSubApi.PublishAsync(
            AppOf(context),
            request,
            TraceOf(context),
            clock,
            context.CancellationToken
        );
        return Nothing;
    }

    public override async Task<BulkPublishResponse> BulkPublishEvent(
        BulkPublishRequest request,
        ServerCallContext context
    )
    {
        var app = AppOf(context);
        var failed = await PubSubApi.PublishBulkAsync(
            app,
            request,
            TraceOf(context),
            clock,
            context.CancellationToken
        );
        if (failed.Count > 0)
        {
            // Over gRPC the failed entries are not named: the call fails as a whole.
            var cause = new InvalidOperationException(failed[0].Error);
            throw DaprFault.Publish(app, request.PubsubName, request.Topic, cause);
        }
        return new BulkPublishResponse();
    }

    public override Task<BulkPublishResponse> BulkPublishEventAlpha1(
        BulkPublishRequest request,
        ServerCallContext context
    ) => BulkPublishEvent(request, context);

    public override async Task SubscribeTopicEventsAlpha1(
        IAsyncStreamReader<SubscribeTopicEventsRequestAlpha1> requestStream,
        IServerStreamWriter<SubscribeTopicEventsResponseAlpha1> responseStream,
        ServerCallContext context
    )
    {
        var app = AppOf(context);
        if (!await requestStream.MoveNext(context.CancellationToken))
            return;
        var (route, component) = PubSubApi.RouteOf(app, requestStream.Current);
        var stream = app.Subscriptions.StreamTo(responseStream);
        IAsyncDisposable? subscription = null;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken,
            app.Subscriptions.Ending
        );
        try
        {
            await stream.OpenAsync(
                () => subscription = app.Subscriptions.Subscribe(route, component, stream),
                ending.Token
            );
            while (await requestStream.MoveNext(ending.Token))
            {
                if (requestStream.Current.EventProcessed is not { } processed)
                    throw DaprFault.Stream(app, "the stream has its subscription already");
                stream.Process(processed);
            }
        }
        catch (Exception e)
            when (ending.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // The app went away, or the sidecar is about to. To an app that still listens the latter is an
            // error, so that it comes back.
            if (!context.CancellationToken.IsCancellationRequested)
                throw new RpcException(new Status(StatusCode.Unavailable, "the sidecar is shutting down"));
        }
        finally
        {
            if (subscription is not null)
                await subscription.DisposeAsync();
        }
    }
}
