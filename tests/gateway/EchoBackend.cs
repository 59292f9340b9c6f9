using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Souk.Tests.Gateway.Protos;
using Souk.Type;
using RpcStatus = Google.Rpc.Status;

namespace Souk.Tests.Gateway;

/// <summary>A real gRPC service that gives back what it was sent, metadata included.</summary>
internal sealed class EchoBackend : EchoService.EchoServiceBase
{
    /// <summary>The thing that is larger than a reply may be.</summary>
    public const string Huge = "huge";

    private int _failuresLeft;
    private int _watched;
    private int _failed;

    /// <summary>Calls of Fail so far.</summary>
    public int Failed => Volatile.Read(ref _failed);

    /// <summary>Messages that WatchThings could send so far.</summary>
    public int Watched => Volatile.Read(ref _watched);

    /// <summary>The messages that WatchThings could send until its reader held it up.</summary>
    public async Task<int> UntilHeldUpAsync()
    {
        var (before, looks) = (0, 0);
        while (looks < 10)
        {
            await Task.Delay(50);
            var now = Watched;
            looks = now > 0 && now == before ? looks + 1 : 0;
            before = now;
        }
        return before;
    }

    /// <summary>How many calls of GetThing fail as unavailable before one succeeds.</summary>
    public int FailuresLeft
    {
        set => _failuresLeft = value;
    }

    public override Task<Thing> GetThing(GetThingRequest request, ServerCallContext context)
    {
        if (Interlocked.Decrement(ref _failuresLeft) >= 0)
            throw Failure((int)Code.Unavailable, "", "try again", 0);
        var thing = new Thing { ThingId = request.ThingId, Etag = "v1" };
        if (request.ThingId == Huge)
            thing.Name = new string('x', 5 * 1024 * 1024);
        return Task.FromResult(Described(thing, context));
    }

    public override Task<SearchGoodsResponse> SearchGoods(
        SearchGoodsRequest request,
        ServerCallContext context
    ) =>
        Task.FromResult(
            new SearchGoodsResponse
            {
                Products =
                {
                    new FoundGoods
                    {
                        Id = "prod_123",
                        Name = $"Gaming {request.Q}, {request.Category}",
                        Price = new Money { Currency = "USD", MinorUnits = 129_999 },
                        Rating = 4.5,
                        ImageUrl = "https://cdn.example.com/products/laptop-1.jpg",
                        InStock = true,
                    },
                },
                Total = 150,
                Page = request.Page,
                Limit = request.Limit,
            }
        );

    public override Task<SearchThingsResponse> SearchThings(
        SearchThingsRequest request,
        ServerCallContext context
    ) => Task.FromResult(new SearchThingsResponse { Request = request });

    public override Task<Thing> CreateThing(CreateThingRequest request, ServerCallContext context)
    {
        var thing = request.Thing ?? new Thing();
        thing.RequestId = request.RequestId;
        return Task.FromResult(Described(thing, context));
    }

    public override Task<Thing> PatchThing(UpdateThingRequest request, ServerCallContext context)
    {
        var thing = request.Thing ?? new Thing();
        thing.ThingId = request.ThingId;
        thing.Metadata["if-match"] = request.Etag;
        thing.Metadata["mask"] = string.Join(',', request.UpdateMask?.Paths ?? []);
        return Task.FromResult(thing);
    }

    public override Task<Thing> BuyThing(BuyThingRequest request, ServerCallContext context)
    {
        var thing = Described(
            new Thing { ThingId = request.ThingId, RequestId = request.RequestId },
            context
        );
        thing.Stock = request.Quantity;
        thing.Rank = request.WaitSeconds;
        return Task.FromResult(thing);
    }

    public override Task<GetPathRequest> GetPath(GetPathRequest request, ServerCallContext context) =>
        Task.FromResult(request);

    public override Task<ListNamesResponse> ListNames(ListNamesRequest request, ServerCallContext context) =>
        Task.FromResult(new ListNamesResponse { Names = { "a", "b" } });

    public override Task<Empty> PostHook(PostHookRequest request, ServerCallContext context)
    {
        var seen = $"{request.Signature}|{request.Body?.ContentType}|{request.Body?.Data.ToBase64()}";
        throw Failure((int)Code.FailedPrecondition, "SEEN", seen, 0);
    }

    public override Task<Souk.Api.HttpBody> GetImage(GetImageRequest request, ServerCallContext context) =>
        Task.FromResult(
            new Souk.Api.HttpBody
            {
                ContentType = "image/png",
                Data = ByteString.CopyFrom(0x89, 0x50, 0x4e, 0x47),
            }
        );

    public override async Task WatchThings(
        WatchThingsRequest request,
        IServerStreamWriter<Thing> responseStream,
        ServerCallContext context
    )
    {
        for (var at = request.After; at < Math.Abs(request.Count); at++)
        {
            var thing = new Thing { Name = $"thing {at}", Sequence = at + 1 };
            if (request.Padding > 0)
                thing.Tags.Add(new string('x', request.Padding));
            await responseStream.WriteAsync(thing, context.CancellationToken);
            Interlocked.Increment(ref _watched);
        }
        if (request.Hold)
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        if (request.Count <= 0)
            throw Failure((int)Code.Aborted, "GONE", "no more", 0);
    }

    public override async Task ExportThings(
        WatchThingsRequest request,
        IServerStreamWriter<Souk.Api.HttpBody> responseStream,
        ServerCallContext context
    )
    {
        for (var at = 0; at < Math.Abs(request.Count); at++)
        {
            var data = ByteString.CopyFromUtf8($"{at};\n");
            await responseStream.WriteAsync(new Souk.Api.HttpBody { ContentType = "text/csv", Data = data });
        }
        if (request.Count < 0)
            throw Failure((int)Code.Aborted, "GONE", "no more", 0);
    }

    public override async Task TalkThings(
        IAsyncStreamReader<Thing> requestStream,
        IServerStreamWriter<Thing> responseStream,
        ServerCallContext context
    )
    {
        await foreach (var thing in requestStream.ReadAllAsync(context.CancellationToken))
        {
            if (thing.Name == "bad")
                throw Failure((int)Code.FailedPrecondition, "BAD_THING", "bad", 0);
            thing.Name = $"{thing.Name}!";
            await responseStream.WriteAsync(thing, context.CancellationToken);
        }
    }

    public override async Task<SearchThingsResponse> CollectThings(
        IAsyncStreamReader<Thing> requestStream,
        ServerCallContext context
    )
    {
        var response = new SearchThingsResponse();
        await foreach (var thing in requestStream.ReadAllAsync(context.CancellationToken))
            response.Things.Add(thing);
        response.Total = response.Things.Count;
        return response;
    }

    public override async Task<Empty> Fail(FailRequest request, ServerCallContext context)
    {
        Interlocked.Increment(ref _failed);
        if (request.DelayMs > 0)
            await Task.Delay(request.DelayMs, context.CancellationToken);
        throw Failure(request.Code, request.Reason, request.Message, request.RetryAfterMs);
    }

    private static Thing Described(Thing thing, ServerCallContext context)
    {
        foreach (var entry in context.RequestHeaders.Where(entry => !entry.IsBinary))
            thing.Metadata[entry.Key] = entry.Value;
        thing.Metadata["deadline-seconds"] = $"{context.MsGiven() / 1000}";
        return thing;
    }

    private static RpcException Failure(int code, string reason, string message, int retryAfterMs)
    {
        var status = new RpcStatus { Code = code, Message = message };
        if (reason.Length > 0)
        {
            var info = new ErrorInfo
            {
                Type = reason,
                Domain = "souk.echo",
                Metadata = { ["sku"] = "S1" },
            };
            status.Details.Add(Any.Pack(info));
            status.Details.Add(
                Any.Pack(
                    new BadRequest
                    {
                        FieldViolations =
                        {
                            new BadRequest.Types.FieldViolation { Field = "a.b", Description = "is bad" },
                        },
                    }
                )
            );
        }
        if (retryAfterMs > 0)
        {
            var delay = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(retryAfterMs));
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = delay }));
        }
        var trailers = new Metadata();
        if (status.Details.Count > 0)
            trailers.Add("grpc-status-details-bin", status.ToByteArray());
        return new RpcException(new Grpc.Core.Status((StatusCode)code, message), trailers);
    }
}
