using System.Globalization;
using System.Text;

namespace Souk.Sidecar.Bindings;

/// <summary>A mail, and its form on the wire (RFC 5322, RFC 2045).</summary>
internal sealed record Mail(string From, string Subject)
{
    public const int NormalPriority = 3;

    private const int Base64LineLength = 76;

    // An encoded word has at most 75 characters; 45 bytes are 60 of Base64.
    private const int EncodedWordBytes = 45;

    public IReadOnlyList<string> To { get; init; } = [];

    public IReadOnlyList<string> Cc { get; init; } = [];

    public IReadOnlyList<string> Bcc { get; init; } = [];

    /// <summary>1, most urgent, to 5.</summary>
    public int Priority { get; init; } = NormalPriority;

    public string Html { get; init; } = "";

    /// <summary>Everybody who gets it; those in Bcc stand nowhere in the text.</summary>
    public IEnumerable<string> Recipients => To.Concat(Cc).Concat(Bcc).Select(AddressOf);

    /// <summary>The address itself, without a name before it.</summary>
    public static string AddressOf(string mailbox)
    {
        var open = mailbox.LastIndexOf('<');
        var close = mailbox.LastIndexOf('>');
        var address = open >= 0 && close > open ? mailbox[(open + 1)..close] : mailbox.Trim();
        return
            address.All(c => c > ' ' && c is not ('<' or '>'))
            && address.Contains('@', StringComparison.Ordinal)
            ? address
            : throw new BindingException($"'{mailbox}' is not a mail address");
    }

    /// <summary>Header and body, lines ending in CR LF.</summary>
    public string Format(DateTimeOffset now, string messageId)
    {
        var text = new StringBuilder();
        void Header(string name, string value) => text.Append(name).Append(": ").Append(value).Append("\r\n");
        Header("From", Mailbox(From));
        Header("To", string.Join(",\r\n ", To.Select(Mailbox)));
        if (Cc.Count > 0)
            Header("Cc", string.Join(",\r\n ", Cc.Select(Mailbox)));
        Header("Subject", Encoded(Subject));
        Header("Date", now.ToString("ddd, dd MMM yyyy HH:mm:ss ", CultureInfo.InvariantCulture) + "+0000");
        Header("Message-ID", $"<{messageId}@{AddressOf(From).Split('@')[1]}>");
        Header("X-Priority", Priority.ToString(CultureInfo.InvariantCulture));
        Header("MIME-Version", "1.0");
        Header("Content-Type", "text/html; charset=utf-8");
        Header("Content-Transfer-Encoding", "base64");
        text.Append("\r\n");
        var body = Convert.ToBase64String(Encoding.UTF8.GetBytes(Html));
        for (var i = 0; i < body.Length; i += Base64LineLength)
            text.Append(body.AsSpan(i, Math.Min(Base64LineLength, body.Length - i))).Append("\r\n");
        return text.ToString();
    }

    private static string Mailbox(string mailbox)
    {
        var address = AddressOf(mailbox);
        var open = mailbox.LastIndexOf('<');
        return open > 0 ? $"{Encoded(mailbox[..open].Trim().Trim('"'))} <{address}>" : address;
    }

    // Encoded, a line break in a subject is text: it cannot begin another header.
    private static string Encoded(string text)
    {
        if (text.All(c => c is >= ' ' and < '\x7f') && text.Length <= EncodedWordBytes)
            return text;
        var words = new List<string>();
        var word = new List<byte>();
        foreach (var rune in text.EnumerateRunes())
        {
            var bytes = Encoding.UTF8.GetBytes(rune.ToString());
            if (word.Count + bytes.Length > EncodedWordBytes)
            {
                words.Add(Convert.ToBase64String([.. word]));
                word.Clear();
            }
            word.AddRange(bytes);
        }
        words.Add(Convert.ToBase64String([.. word]));
        return string.Join("\r\n ", words.Select(part => $"=?utf-8?B?{part}?="));
    }
}
