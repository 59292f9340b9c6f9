using Polly;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Bindings;

/// <summary>
/// A binding under the outbound policy of its component. What failed may have been done all the same: with
/// retries a system outside can be asked twice.
/// </summary>
internal sealed class ResilientBinding(IOutputBinding inner, TargetPolicy policy) : IOutputBinding
{
    private readonly ResiliencePipeline<BindingReply> _policy = policy.ForComponent<BindingReply>();

    public IReadOnlyList<string> Operations => inner.Operations;

    public async Task<BindingReply> InvokeAsync(BindingCall call, CancellationToken cancellation) =>
        await _policy.ExecuteAsync(async token => await inner.InvokeAsync(call, token), cancellation);
}
