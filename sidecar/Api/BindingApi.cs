using Polly;
using Souk.Sidecar.Bindings;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.Api;

/// <summary>Calls of output bindings, whatever the caller speaks.</summary>
internal static class BindingApi
{
    public static async Task<BindingReply> InvokeAsync(
        SidecarApp app,
        string name,
        BindingCall call,
        CancellationToken cancellation
    )
    {
        if (app.Components.Binding(name)?.Output is not { } binding)
            throw DaprFault.Binding(app, name, $"couldn't find output binding {name}");
        if (!binding.Operations.Contains(call.Operation))
            throw DaprFault.Binding(
                app,
                name,
                $"binding {name} does not support operation {call.Operation}. "
                    + $"supported operations:{string.Join(' ', binding.Operations)}"
            );
        try
        {
            return await binding.InvokeAsync(call, cancellation);
        }
        catch (Exception e) when (e is BindingException or CircuitOpenException or ExecutionRejectedException)
        {
            throw DaprFault.Binding(app, name, e.Message);
        }
    }
}
