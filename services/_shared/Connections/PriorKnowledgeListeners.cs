using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Souk.Shared.Connections;

/// <summary>Lets Kestrel listen at endpoints of <see cref="PriorKnowledge"/>.</summary>
internal sealed class PriorKnowledgeListeners : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is PriorKnowledge;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint,
        CancellationToken cancellationToken = default
    ) =>
        endpoint is PriorKnowledge listener
            ? ValueTask.FromResult<IConnectionListener>(listener)
            : throw new ArgumentException("is not inside this process", nameof(endpoint));
}
