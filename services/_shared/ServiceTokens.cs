namespace Souk.Shared;

/// <summary>A token that speaks for this process, and when it ends.</summary>
public readonly record struct ServiceToken(string Bearer, TimeSpan ExpiresIn);

/// <summary>
/// Who issues service tokens: through the mesh, or, in the service that signs them, itself.
/// </summary>
public interface IServiceTokenSource
{
    /// <summary>A new token for this process.</summary>
    Task<ServiceToken> IssueAsync(CancellationToken token);
}

/// <summary>Keeps this process's own token and renews it shortly before it ends.</summary>
public sealed class ServiceTokens(IServiceTokenSource source, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _renewal = new(1, 1);
    private volatile Held? _held;

    /// <summary>A token that holds for at least another minute.</summary>
    public ValueTask<string> GetAsync(CancellationToken token) =>
        Current() is { } bearer ? ValueTask.FromResult(bearer) : RenewAsync(token);

    /// <inheritdoc />
    public void Dispose() => _renewal.Dispose();

    private async ValueTask<string> RenewAsync(CancellationToken token)
    {
        await _renewal.WaitAsync(token);
        try
        {
            if (Current() is { } bearer)
                return bearer;
            var issued = await source.IssueAsync(token);
            _held = new Held(issued.Bearer, clock.GetUtcNow() + issued.ExpiresIn - Margin);
            return issued.Bearer;
        }
        finally
        {
            _renewal.Release();
        }
    }

    private string? Current() => _held is { } held && held.RenewAt > clock.GetUtcNow() ? held.Bearer : null;

    private sealed record Held(string Bearer, DateTimeOffset RenewAt);
}
