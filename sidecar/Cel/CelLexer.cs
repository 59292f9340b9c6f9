using System.Globalization;
using System.Text;

namespace Souk.Sidecar.Cel;

/// <summary>What a token is.</summary>
internal enum CelKind
{
    Name,
    Literal,
    Sign,
    End,
}

/// <summary>A word of an expression; a literal carries its value.</summary>
internal readonly record struct CelToken(CelKind Kind, string Text, int At, object? Value = null);

/// <summary>Splits an expression into its words.</summary>
internal sealed class CelLexer(string text)
{
    private static readonly string[] Signs =
    [
        "==",
        "!=",
        "<=",
        ">=",
        "&&",
        "||",
        .. "<>+-*/%!?:.,()[]".Select(sign => sign.ToString()),
    ];

    private int _at;

    public List<CelToken> ReadAll()
    {
        var tokens = new List<CelToken>();
        while (true)
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
                _at++;
            if (_at == text.Length)
            {
                tokens.Add(new CelToken(CelKind.End, "the end", _at));
                return tokens;
            }
            tokens.Add(Read());
        }
    }

    private CelToken Read()
    {
        var start = _at;
        if (char.IsAsciiDigit(text[_at]))
            return ReadNumber();
        if (text[_at] is '"' or '\'')
            return ReadText(isRaw: false);
        if (text[_at] is 'r' or 'R' && _at + 1 < text.Length && text[_at + 1] is '"' or '\'')
        {
            _at++;
            return ReadText(isRaw: true);
        }
        if (char.IsAsciiLetter(text[_at]) || text[_at] == '_')
        {
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_'))
                _at++;
            return Word(text[start.._at], start);
        }
        foreach (var sign in Signs)
        {
            if (string.CompareOrdinal(text, _at, sign, 0, sign.Length) != 0)
                continue;
            _at += sign.Length;
            return new CelToken(CelKind.Sign, sign, start);
        }
        throw new FormatException($"'{text[_at]}' at {_at + 1} is not understood");
    }

    private static CelToken Word(string word, int start) =>
        word switch
        {
            "true" => new CelToken(CelKind.Literal, word, start, true),
            "false" => new CelToken(CelKind.Literal, word, start, false),
            "null" => new CelToken(CelKind.Literal, word, start),
            "in" => new CelToken(CelKind.Sign, word, start),
            _ => new CelToken(CelKind.Name, word, start),
        };

    private CelToken ReadNumber()
    {
        var start = _at;
        while (_at < text.Length && IsOfNumber(start))
            _at++;
        var digits = text[start.._at];
        // An unsigned literal is a number like any other here.
        if (_at < text.Length && text[_at] is 'u' or 'U')
            _at++;
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            if (
                long.TryParse(
                    digits.AsSpan(2),
                    NumberStyles.HexNumber,
                    CultureInfo.InvariantCulture,
                    out var hex
                )
            )
                return new CelToken(CelKind.Literal, digits, start, hex);
        }
        else if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var whole))
            return new CelToken(CelKind.Literal, digits, start, whole);
        else if (double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var real))
            return new CelToken(CelKind.Literal, digits, start, real);
        throw new FormatException($"'{digits}' at {start + 1} is not a number");
    }

    private bool IsOfNumber(int start)
    {
        var letter = text[_at];
        if (letter is '+' or '-')
            return text[_at - 1] is 'e' or 'E' && !text.AsSpan(start).StartsWith("0x");
        // Not the dot of a method: 1.size() is none, but 1.5 is a number.
        if (letter == '.')
            return _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1]);
        return char.IsAsciiHexDigit(letter) || letter is 'x' or 'X';
    }

    private CelToken ReadText(bool isRaw)
    {
        var start = _at;
        var quote = text[_at++];
        var value = new StringBuilder();
        while (_at < text.Length && text[_at] != quote)
        {
            if (text[_at] == '\\' && !isRaw)
                value.Append(ReadEscape());
            else
                value.Append(text[_at++]);
        }
        if (_at == text.Length)
            throw new FormatException($"the string at {start + 1} has no end");
        _at++;
        return new CelToken(CelKind.Literal, text[start.._at], start, value.ToString());
    }

    private string ReadEscape()
    {
        var start = _at;
        var letter = _at + 1 < text.Length ? text[_at + 1] : ' ';
        _at += 2;
        return letter switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'a' => "\a",
            'b' => "\b",
            'f' => "\f",
            'v' => "\v",
            '\\' or '\'' or '"' or '`' or '?' => letter.ToString(),
            'x' or 'X' => ReadCode(start, 2),
            'u' => ReadCode(start, 4),
            'U' => ReadCode(start, 8),
            _ => throw new FormatException($"the escape at {start + 1} is not understood"),
        };
    }

    private string ReadCode(int start, int digits)
    {
        if (
            _at + digits <= text.Length
            && int.TryParse(
                text.AsSpan(_at, digits),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out var code
            )
            && Rune.IsValid(code)
        )
        {
            _at += digits;
            return new Rune(code).ToString();
        }
        throw new FormatException($"the escape at {start + 1} is not understood");
    }
}
