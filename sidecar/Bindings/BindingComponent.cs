using Souk.Sidecar.Components;

namespace Souk.Sidecar.Bindings;

/// <summary>A configured binding: something to call, or something that calls.</summary>
internal sealed record BindingComponent(ComponentSpec Spec)
{
    public string Name => Spec.Name;

    /// <summary>Null when the binding only calls the app.</summary>
    public IOutputBinding? Output { get; init; }

    /// <summary>Null when the binding only is called.</summary>
    public CronSchedule? Schedule { get; init; }

    /// <summary>Where an HTTP app takes the binding's events.</summary>
    public string Route => (Spec.Text("route") ?? Spec.Name).TrimStart('/');

    /// <summary>The binding that a component describes; null for a type that is none of these.</summary>
    public static BindingComponent? Open(ComponentSpec spec) =>
        spec.Type switch
        {
            "bindings.http" => new BindingComponent(spec) { Output = new HttpBinding(spec) },
            "bindings.smtp" => new BindingComponent(spec) { Output = new SmtpBinding(spec) },
            "bindings.cron" => new BindingComponent(spec)
            {
                Schedule = IsInput(spec) ? CronSchedule.Of(spec) : null,
            },
            _ => null,
        };

    // Dapr's way to switch a binding's incoming half off.
    private static bool IsInput(ComponentSpec spec) =>
        spec.Text("direction") is not { } directions
        || directions.Split(',', StringSplitOptions.TrimEntries).Contains("input");
}
