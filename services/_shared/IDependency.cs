namespace Souk.Shared;

/// <summary>Something that a service cannot serve without, beside its database and its sidecar.</summary>
public interface IDependency
{
    /// <summary>Whether it answers now. Health asks once a second at most.</summary>
    Task<bool> AnswersAsync(CancellationToken token);
}
