using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Souk.Shared.Holds;

/// <summary>active -> completed -> restocked, active -> cancelled, active -> expired.</summary>
public enum HoldStatus
{
    /// <summary>Its units are reserved.</summary>
    Active,

    /// <summary>Its units are gone for good.</summary>
    Completed,

    /// <summary>Its units were put back, or it was released before it was made.</summary>
    Cancelled,

    /// <summary>Its time was over and its units were put back.</summary>
    Expired,

    /// <summary>Its units were gone and came back.</summary>
    Restocked,
}

/// <summary>Units of one key that a hold has.</summary>
public sealed record HoldPart(Guid ReservationId, PoolKey Key, long Quantity);

/// <summary>A hold as it stands; without parts when it was released before it was made.</summary>
public sealed record Hold(
    Guid HoldId,
    HoldStatus Status,
    DateTimeOffset ExpiresAt,
    IReadOnlyList<HoldPart> Parts
);

/// <summary>What to hold, all or none.</summary>
/// <param name="HoldId">Chosen by the caller, so that a repeat is the same hold.</param>
/// <param name="Owner">For whom, such as a user.</param>
/// <param name="Reference">What for, such as an order; may be empty.</param>
/// <param name="Lines">Lines on one key are added up.</param>
/// <param name="Ttl">After this the hold lapses unless it was completed.</param>
public sealed record HoldRequest(
    Guid HoldId,
    string Owner,
    string Reference,
    IReadOnlyList<HoldLine> Lines,
    TimeSpan Ttl
)
{
    /// <summary>
    /// What was asked for, when the caller chose the places itself: a repeat may choose others, but must ask
    /// the same. Null: the lines.
    /// </summary>
    public string? Terms { get; init; }

    internal byte[] Fingerprint()
    {
        var terms =
            Terms ?? TermsOf(Lines.Select(line => ($"{line.Key.Item}\n{line.Key.Place}", line.Quantity)));
        return SHA256.HashData(Encoding.UTF8.GetBytes($"{Owner}\n{Reference}\n{terms}"));
    }

    /// <summary>Quantities by name as terms: order and splitting of lines make no difference.</summary>
    public static string TermsOf(IEnumerable<(string Name, long Quantity)> lines) =>
        string.Join(
            '\n',
            lines
                .GroupBy(line => line.Name, line => line.Quantity)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Key}\n{group.Sum()}"))
        );
}

/// <summary>Rows of hold joined with hold_part.</summary>
internal sealed record HoldRow(Hold Hold, byte[] Fingerprint, HoldPart? Part)
{
    internal static HoldRow Read(NpgsqlDataReader row) =>
        new(
            new Hold(row.GetGuid(0), ParseStatus(row.GetString(1)), row.Instant(2), []),
            row.GetFieldValue<byte[]>(3),
            row.IsDBNull(4)
                ? null
                : new HoldPart(
                    row.GetGuid(4),
                    new PoolKey(row.GetString(5), row.GetString(6)),
                    row.GetInt64(7)
                )
        );

    /// <summary>The hold of the rows; null when there is none.</summary>
    internal static Hold? Join(IReadOnlyList<HoldRow> rows) =>
        rows.Count == 0
            ? null
            : rows[0].Hold with
            {
                Parts = [.. rows.Select(row => row.Part).OfType<HoldPart>()],
            };

    private static HoldStatus ParseStatus(string text) => Enum.Parse<HoldStatus>(text, ignoreCase: true);
}
