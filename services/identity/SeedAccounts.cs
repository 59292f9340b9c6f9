using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Souk.Options.V1;

namespace Souk.Identity;

/// <summary>
/// Opens the demo accounts of a development machine at start: SOUK_SEED_ACCOUNTS names a JSON file that maps
/// a role to {email, password}. An address that has an account is left as it is.
/// </summary>
internal sealed class SeedAccounts(Db db, PasswordHasher passwords, TimeProvider clock) : IHostedService
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Env.Text("SOUK_SEED_ACCOUNTS", "") is { Length: > 0 } file)
            await RunAsync(file, cancellationToken);
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    internal async Task RunAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = File.OpenRead(file);
        var accounts =
            await JsonSerializer.DeserializeAsync<Dictionary<string, Account>>(
                stream,
                Json,
                cancellationToken
            ) ?? throw new InvalidOperationException($"{file} must be an object from role to account.");
        foreach (var (role, account) in accounts)
        {
            if (await db.ScalarAsync<long>(SeedCountSql, [account.Email], cancellationToken) > 0)
                continue;
            // Everybody may buy: a seller or an operator is a person too.
            var roles = RoleSet.OfNames([role]).With(RoleSet.Of(Role.Buyer)).Names().ToArray();
            var hash = await passwords.HashAsync(account.Password, cancellationToken);
            await db.ExecuteAsync(
                SeedInsertSql,
                [Ids.New(clock), $"Demo {role}", account.Email, hash, roles, clock.GetUtcNow()],
                cancellationToken
            );
        }
    }

    private const string SeedCountSql = "select count(*) from users where email_key = lower($1)";

    private const string SeedInsertSql = """
        insert into users (id, name, email, password_hash, roles, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $6)
            on conflict on constraint users_email_key do nothing
        """;

    internal sealed record Account(string Email, string Password);
}
