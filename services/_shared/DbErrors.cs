using Npgsql;

namespace Souk.Shared;

/// <summary>Which constraint stopped a statement; services turn these into their own faults.</summary>
public static class DbErrors
{
    /// <summary>A unique constraint, any or the named one.</summary>
    public static bool IsUnique(this PostgresException error, string? constraint = null) =>
        Is(error, PostgresErrorCodes.UniqueViolation, constraint);

    /// <summary>A check constraint, any or the named one.</summary>
    public static bool IsCheck(this PostgresException error, string? constraint = null) =>
        Is(error, PostgresErrorCodes.CheckViolation, constraint);

    /// <summary>A foreign key, any or the named one.</summary>
    public static bool IsForeignKey(this PostgresException error, string? constraint = null) =>
        Is(error, PostgresErrorCodes.ForeignKeyViolation, constraint);

    /// <summary>The connection was dead, as after a restart of the server, or died meanwhile.</summary>
    public static bool IsConnectionLost(this NpgsqlException error) =>
        error is PostgresException known
            ? known.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
            : error.InnerException is IOException;

    private static bool Is(PostgresException error, string state, string? constraint) =>
        error.SqlState == state && (constraint is null || error.ConstraintName == constraint);
}
