using Npgsql;
using Souk.Shared.Holds;

namespace Souk.Inventory;

/// <summary>
/// How far warehouses are from a country: 0 within it, otherwise from its middle. A country that is not
/// known, or not given, is equally far from all, so that the order of their ids decides.
/// </summary>
internal sealed class Nearness(string country)
{
    private const double EarthRadiusKm = 6371;

    private readonly string _country = country.ToUpperInvariant();
    private readonly Dictionary<string, double> _km = [];

    /// <summary>A warehouse that no row has named is the last choice.</summary>
    internal double DistanceKm(string warehouseId) =>
        _km.GetValueOrDefault(warehouseId, 2 * Math.PI * EarthRadiusKm);

    /// <summary>Reads a pool and remembers where its warehouse is, from the columns after it.</summary>
    internal PoolState Read(NpgsqlDataReader row)
    {
        var pool = PoolState.Read(row);
        if (!_km.ContainsKey(pool.Key.Place))
            Add(pool.Key.Place, row.GetString(5), new Place(row.GetDouble(6), row.GetDouble(7)));
        return pool;
    }

    internal void Add(string warehouseId, string warehouseCountry, Place place) =>
        _km[warehouseId] =
            warehouseCountry == _country ? 0
            : Countries.MiddleOf(_country) is { } middle ? Km(middle, place)
            : 0;

    // The haversine formula.
    private static double Km(Place a, Place b)
    {
        var latitude = Math.Pow(Math.Sin(Radians(b.Latitude - a.Latitude) / 2), 2);
        var longitude = Math.Pow(Math.Sin(Radians(b.Longitude - a.Longitude) / 2), 2);
        var chord = latitude + Math.Cos(Radians(a.Latitude)) * Math.Cos(Radians(b.Latitude)) * longitude;
        return 2 * EarthRadiusKm * Math.Asin(Math.Min(1, Math.Sqrt(chord)));
    }

    private static double Radians(double degrees) => degrees * Math.PI / 180;
}
