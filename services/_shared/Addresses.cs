using Souk.Type;

namespace Souk.Shared;

/// <summary>What the descriptors cannot say about an address. They say presence and lengths.</summary>
public static class Addresses
{
    /// <summary>Refuses a country that is not two capital letters.</summary>
    /// <param name="field">The address's path in the request.</param>
    public static void Check(Address address, string field)
    {
        if (address.Country.Length != 2 || !address.Country.All(char.IsAsciiLetterUpper))
            throw Fault.InvalidArgument($"{field}.country", "must be an ISO 3166-1 alpha-2 code such as US");
    }
}
