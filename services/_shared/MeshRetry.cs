using System.Collections.Concurrent;
using System.Reflection;
using Google.Api;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Souk.Shared;

/// <summary>
/// Repeats a call that came back UNAVAILABLE, if repeating is safe: the RPC has no side effects or is
/// idempotent by its contract (idempotency_level, or a rule for GET, PUT or DELETE), or the request carries a
/// request_id. Never beyond the deadline.
/// </summary>
internal sealed class MeshRetry(System.Type client) : Interceptor
{
    private const int AttemptsMax = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(40);

    private readonly ServiceDescriptor? _service =
        client
            .DeclaringType?.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)
            ?.GetValue(null) as ServiceDescriptor;

    private readonly ConcurrentDictionary<string, bool> _safe = new();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation
    )
    {
        var first = continuation(request, context);
        if (!IsSafe(context.Method, request))
            return first;
        var latest = first;
        return new AsyncUnaryCall<TResponse>(
            RepeatAsync(),
            first.ResponseHeadersAsync,
            () => latest.GetStatus(),
            () => latest.GetTrailers(),
            () => latest.Dispose()
        );

        async Task<TResponse> RepeatAsync()
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return await latest;
                }
                catch (RpcException e)
                    when (e.StatusCode == StatusCode.Unavailable
                        && attempt < AttemptsMax
                        && HasTime(context.Options.Deadline, attempt)
                    )
                {
                    latest.Dispose();
                    await Task.Delay(Delay(attempt), TimeProvider.System, context.Options.CancellationToken);
                    latest = continuation(request, context);
                }
            }
        }
    }

    private static TimeSpan Delay(int attempt) => Pause * attempt * (1 + Random.Shared.NextDouble());

    private static bool HasTime(DateTime? deadline, int attempt) =>
        deadline is not { } end || TimeProvider.System.GetUtcNow().UtcDateTime + (Pause * attempt * 2) < end;

    private bool IsSafe<TRequest>(IMethod method, TRequest request)
        where TRequest : class =>
        _safe.GetOrAdd(method.Name, IsSafeByContract)
        || (
            request is IMessage message
            && message.Descriptor.FindFieldByName("request_id") is { FieldType: FieldType.String } field
            && field.Accessor.GetValue(message) is string { Length: > 0 }
        );

    private bool IsSafeByContract(string method) =>
        _service?.FindMethodByName(method)?.GetOptions() is { } options
        && (
            options.IdempotencyLevel != MethodOptions.Types.IdempotencyLevel.IdempotencyUnknown
            || options.GetExtension(AnnotationsExtensions.Http)?.PatternCase
                is HttpRule.PatternOneofCase.Get
                    or HttpRule.PatternOneofCase.Put
                    or HttpRule.PatternOneofCase.Delete
        );
}
