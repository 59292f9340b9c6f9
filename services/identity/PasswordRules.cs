using System.Collections.Frozen;

namespace Souk.Identity;

/// <summary>What a password must be. Length counts most; what everybody tries first is refused.</summary>
internal static class PasswordRules
{
    private const int LengthMin = 8;
    private const int LengthMax = 128;

    // The head of every published list of leaked passwords, at eight characters or more.
    private static readonly FrozenSet<string> Common = new[]
    {
        "password",
        "password1",
        "password12",
        "password123",
        "passw0rd",
        "12345678",
        "123456789",
        "1234567890",
        "87654321",
        "11111111",
        "00000000",
        "qwertyui",
        "qwertyuiop",
        "qwerty123",
        "1q2w3e4r",
        "1qaz2wsx",
        "abc12345",
        "abcd1234",
        "iloveyou",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "superman",
        "trustno1",
        "welcome1",
        "letmein1",
        "starwars",
        "whatever",
        "computer",
        "internet",
        "admin123",
        "changeme",
        "asdfghjkl",
        "zxcvbnm1",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>What is wrong with the password, or null.</summary>
    public static string? Problem(string password, string email) =>
        password.Length < LengthMin ? $"must have at least {LengthMin} characters"
        : password.Length > LengthMax ? $"must have at most {LengthMax} characters"
        : password.Distinct().Count() < 3 ? "must have at least 3 different characters"
        : Common.Contains(password) ? "is one of the passwords that everybody tries first"
        : password.Equals(email, StringComparison.OrdinalIgnoreCase) ? "must not be the address"
        : null;
}
