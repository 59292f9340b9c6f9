using Souk.Sidecar.Components;

namespace Souk.Sidecar.Secrets;

/// <summary>A configured secret store.</summary>
internal sealed record SecretComponent(ComponentSpec Spec, ISecretStore Store);
