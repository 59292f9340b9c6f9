using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Npgsql;
using Souk.Shared;
using Souk.Tests.Harness;

namespace Souk.Tests.Repo;

/// <summary>
/// Every statement that a service holds is one that PostgreSQL understands on that service's own, freshly
/// migrated database: a wrong column fails here, with its name, and not in front of a buyer.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed partial class SqlTests
{
    /// <summary>Statements that `prepare` does not take, each with why.</summary>
    private static readonly Dictionary<string, string> NotPreparable = new()
    {
        ["CreateTableSql"] = "PostgreSQL prepares no definitions",
    };

    [TestCaseSource(nameof(DomainIds))]
    public async Task Statements_OfAService_AreUnderstoodByItsDatabase(string id)
    {
        var domain = Code.Domains.Single(each => each.Id == id);
        await using var database = await MigrateAsync($"sql{id}", domain.Configure);
        await CheckAsync(database, domain.Assembly);
    }

    [Test]
    public async Task Statements_OfTheSharedLibrary_AreUnderstoodByItsTables()
    {
        await using var database = await MigrateAsync("sqlshared", service => service.Migrate("holds"));
        await CheckAsync(database, Code.Shared);
    }

    [TestCaseSource(nameof(DomainIds))]
    public async Task ForeignKeys_OfAService_AreIndexed(string id)
    {
        var domain = Code.Domains.Single(each => each.Id == id);
        await using var database = await MigrateAsync($"fk{id}", domain.Configure);
        await using var source = Open(database);
        await using var command = source.CreateCommand(KeysWithoutIndexSql);
        await using var reader = await command.ExecuteReaderAsync();
        var keys = new List<string>();
        while (await reader.ReadAsync())
            keys.Add(reader.GetString(0));
        Rule.Holds(keys, "Index the referencing columns: a delete of the parent would scan the whole table.");
    }

    [Test]
    public void Statements_EachOne_ListsItsColumns() =>
        Rule.Holds(
            from assembly in Code.Domains.Select(domain => domain.Assembly).Append(Code.Shared)
            from statement in StatementsOf(assembly)
            where Star().IsMatch(statement.Sql)
            select statement.Name,
            "List the columns: a new one must not change what is read."
        );

    private static IEnumerable<string> DomainIds() => Code.Domains.Select(domain => domain.Id);

    private static IEnumerable<(string Name, string Sql)> StatementsOf(Assembly assembly) =>
        from type in assembly.GetTypes()
        from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
        where field is { IsLiteral: true } && field.Name.EndsWith("Sql", StringComparison.Ordinal)
        where field.GetRawConstantValue() is string && !NotPreparable.ContainsKey(field.Name)
        select ($"{type.Name}.{field.Name}", (string)field.GetRawConstantValue()!);

    private static async Task<TestDatabase> MigrateAsync(string name, Action<ServiceBuilder> configure)
    {
        var database = TestDatabase.Named(name, settings => settings with { LogLevel = LogLevel.Error });
        await using var app = ServiceHost.Build(database.Settings, configure);
        await ServiceHost.MigrateAsync(app, CancellationToken.None);
        return database;
    }

    private static NpgsqlDataSource Open(TestDatabase database) =>
        NpgsqlDataSource.Create(database.Settings.ConnectionString() + ";Pooling=false");

    private static async Task CheckAsync(TestDatabase database, Assembly assembly)
    {
        await using var source = Open(database);
        await using var connection = await source.OpenConnectionAsync();
        var problems = new List<string>();
        foreach (var (name, sql) in StatementsOf(assembly))
        {
            if (await ProblemAsync(connection, sql) is { } problem)
                problems.Add($"{name}: {problem}");
        }
        Rule.Holds(problems, "The statement and the migrations disagree.");
    }

    private static async Task<string?> ProblemAsync(NpgsqlConnection connection, string sql)
    {
        try
        {
            await ExecuteAsync(connection, $"prepare lint as {sql}");
        }
        catch (PostgresException problem)
        {
            return problem.Position > 0
                ? $"{problem.MessageText} at {problem.Position}"
                : problem.MessageText;
        }
        await ExecuteAsync(connection, "deallocate lint");
        return null;
    }

    [SuppressMessage("Security", "CA2100", Justification = "The statements are our own constants.")]
    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    // Foreign keys whose columns are not the leading columns of any index.
    private const string KeysWithoutIndexSql = """
        select format('%s.%s', c.conrelid::regclass, c.conname)
          from pg_constraint c
         where c.contype = 'f'
           and not exists (
               select 1
                 from pg_index i
                where i.indrelid = c.conrelid
                  and (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey
           )
         order by 1
        """;

    // What unnest gives are the statement's own parameters.
    [GeneratedRegex(
        @"\bselect\s+(\w+\.)?\*(?!\s+from\s+unnest\b)",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Star();
}
