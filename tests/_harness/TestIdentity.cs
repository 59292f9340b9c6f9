using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>
/// Trusts the test's key, and beside it the keys of the service that owns keys when it is part of the mesh.
/// </summary>
internal sealed class TestKeySource(TestTokens tokens, Func<ITokenKeySource?> real) : ITokenKeySource
{
    public async Task<IReadOnlyList<TokenKey>> GetAsync(CancellationToken token) =>
        real() is { } source ? [tokens.PublicKey, .. await source.GetAsync(token)] : [tokens.PublicKey];
}

/// <summary>Gives processes under test their own tokens.</summary>
internal sealed class TestServiceTokenSource(TestTokens tokens, string appId) : IServiceTokenSource
{
    public Task<ServiceToken> IssueAsync(CancellationToken token)
    {
        var validFor = TimeSpan.FromMinutes(15);
        return Task.FromResult(new ServiceToken(tokens.Mint(TestCaller.Service(appId), validFor), validFor));
    }
}
