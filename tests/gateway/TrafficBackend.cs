using Grpc.Core;
using Souk.Tests.Gateway.Protos;

namespace Souk.Tests.Gateway;

/// <summary>A service that counts its calls, and holds them while a test wants it to.</summary>
internal sealed class TrafficBackend : TrafficService.TrafficServiceBase
{
    private TaskCompletionSource _held = Open();
    private int _calls;
    private int _version;
    private int _cancelled;

    /// <summary>Calls so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Held calls that were cancelled so far.</summary>
    public int Cancelled => Volatile.Read(ref _cancelled);

    /// <summary>Whether held calls go on when their callers leave.</summary>
    public bool IsDeaf { get; set; }

    /// <summary>What pages say changes.</summary>
    public void Write() => Interlocked.Increment(ref _version);

    public void Hold() =>
        _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release() => _held.TrySetResult();

    public override Task<Page> GetPage(PageRequest request, ServerCallContext context) =>
        AnswerAsync(request, context);

    public override Task<Page> UpdatePage(PageRequest request, ServerCallContext context)
    {
        Write();
        return AnswerAsync(request, context);
    }

    public override Task<Page> GuessPassword(PageRequest request, ServerCallContext context) =>
        AnswerAsync(request, context);

    public override Task<Page> PayPage(PageRequest request, ServerCallContext context) =>
        AnswerAsync(request, context);

    public override Task<Page> BrowsePage(PageRequest request, ServerCallContext context) =>
        AnswerAsync(request, context);

    public override Task<Page> ExportPage(PageRequest request, ServerCallContext context) =>
        AnswerAsync(request, context);

    public override async Task<ListPagesResponse> ListPages(
        ListPagesRequest request,
        ServerCallContext context
    ) => new() { Pages = { await AnswerAsync(new PageRequest { PageId = "first" }, context) } };

    private async Task<Page> AnswerAsync(PageRequest request, ServerCallContext context)
    {
        Interlocked.Increment(ref _calls);
        try
        {
            await _held.Task.WaitAsync(IsDeaf ? CancellationToken.None : context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _cancelled);
            throw;
        }
        if (request.PageId == "gone")
            throw new RpcException(new Status(StatusCode.NotFound, "gone"));
        return new Page
        {
            PageId = request.PageId,
            // Long enough to be compressed.
            Text = $"version {_version} {new string('x', 2000)}",
            Etag = $"v{_version}",
            Language = context.RequestHeaders.GetValue("accept-language") ?? "",
            DeadlineMs = context.MsGiven(),
            Related = { new Page { PageId = "related" } },
        };
    }

    private static TaskCompletionSource Open()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }
}
