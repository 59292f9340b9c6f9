using System.Text;
using Npgsql;
using Souk.Sidecar.Components;

namespace Souk.Sidecar.State;

/// <summary>
/// Reads a connection string in any of the spellings that people paste: a URL, libpq's <c>host=…
/// dbname=…</c>, or Npgsql's <c>Host=…;Database=…</c>.
/// </summary>
internal static class PostgresAddress
{
    // The machine's PostgreSQL serves every service besides; a store that wants more is waiting for itself.
    private const int PoolMax = 20;

    public static string Of(ComponentSpec spec, TimeSpan timeout)
    {
        var text = spec.Text("connectionString") ?? spec.Text("url") ?? FromParts(spec);
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = Parse(text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or UriFormatException)
        {
            throw spec.Error("connectionString", $"cannot be read: {e.Message}");
        }
        builder.MaxPoolSize = Math.Max(1, spec.Whole("maxConns", PoolMax));
        builder.CommandTimeout = (int)Math.Ceiling(timeout.TotalSeconds);
        builder.Timeout = 5;
        builder.MaxAutoPrepare = 32;
        builder.AutoPrepareMinUsages = 2;
        builder.NoResetOnClose = true;
        builder.IncludeFailedBatchedCommand = true;
        builder.ApplicationName ??= "sidecar";
        return builder.ConnectionString;
    }

    internal static NpgsqlConnectionStringBuilder Parse(string text)
    {
        if (
            text.StartsWith("postgres://", StringComparison.Ordinal)
            || text.StartsWith("postgresql://", StringComparison.Ordinal)
        )
            return FromUrl(new Uri(text));
        var builder = new NpgsqlConnectionStringBuilder();
        foreach (var (name, value) in text.Contains(';') ? Split(text) : SplitKeywords(text))
            builder[NpgsqlNameOf(name)] = value;
        return builder;
    }

    private static string FromParts(ComponentSpec spec)
    {
        var text = new StringBuilder();
        foreach (
            var name in new[] { "host", "hostaddr", "port", "database", "user", "password", "sslRootCert" }
        )
        {
            if (spec.Text(name) is { } value)
                text.Append(name).Append('=').Append(value).Append(';');
        }
        return text.Length > 0 ? text.ToString() : spec.Required("connectionString");
    }

    private static NpgsqlConnectionStringBuilder FromUrl(Uri url)
    {
        var builder = new NpgsqlConnectionStringBuilder { Host = url.Host };
        if (url.Port > 0)
            builder.Port = url.Port;
        var user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
            builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length == 2)
            builder.Password = Uri.UnescapeDataString(user[1]);
        if (url.AbsolutePath.Length > 1)
            builder.Database = Uri.UnescapeDataString(url.AbsolutePath[1..]);
        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            builder[NpgsqlNameOf(parts[0])] = Uri.UnescapeDataString(parts.Length == 2 ? parts[1] : "");
        }
        return builder;
    }

    private static IEnumerable<(string Name, string Value)> Split(string text)
    {
        foreach (
            var part in text.Split(
                ';',
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
            )
        )
        {
            var pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            yield return (pair[0], pair.Length == 2 ? pair[1] : "");
        }
    }

    // libpq: words separated by blanks, values optionally in single quotes with backslash escapes.
    private static IEnumerable<(string Name, string Value)> SplitKeywords(string text)
    {
        var at = 0;
        while (at < text.Length)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }
            var equals = text.IndexOf('=', at);
            if (equals < 0)
                throw new FormatException($"'{text[at..]}' has no '='");
            var name = text[at..equals].Trim();
            at = equals + 1;
            var quoted = at < text.Length && text[at] == '\'';
            if (quoted)
                at++;
            var value = new StringBuilder();
            for (; at < text.Length; at++)
            {
                if (quoted ? text[at] == '\'' : char.IsWhiteSpace(text[at]))
                    break;
                if (text[at] == '\\' && at + 1 < text.Length)
                    at++;
                value.Append(text[at]);
            }
            at++;
            yield return (name, value.ToString());
        }
    }

    private static string NpgsqlNameOf(string name) =>
        name.ToLowerInvariant() switch
        {
            "hostaddr" => "Host",
            "dbname" => "Database",
            "user" => "Username",
            "sslmode" => "SSL Mode",
            "sslrootcert" => "Root Certificate",
            "sslcert" => "SSL Certificate",
            "sslkey" => "SSL Key",
            "connect_timeout" => "Timeout",
            "application_name" => "Application Name",
            _ => name,
        };
}
