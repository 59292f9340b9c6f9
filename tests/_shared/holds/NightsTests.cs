using Souk.Shared.Holds;

namespace Souk.Tests.Shared.Holds;

/// <summary>The engine holds nights as it holds stock: a room type is the item, a night the place.</summary>
internal sealed class NightsTests : HoldsFixture
{
    [Test, Description("V12")]
    public async Task Reserve_RoomsOverNights_TakesEachNightOfTheStayAndNotTheDayOfDeparture()
    {
        const long rooms = 15;
        var type = NewKey().Item;
        var nights = Enumerable.Range(1, 5).Select(day => new PoolKey(type, $"night-{day}")).ToArray();
        foreach (var night in nights)
            await ReceiveAsync(night, rooms);
        await HoldAsync(Stay(nights[..4], 5)); // [day 1, day 5)
        Assert.That(await FreeAsync(nights), Is.EqualTo(new long[] { 10, 10, 10, 10, 15 }));

        for (var guest = 0; guest < 10; guest++)
            await HoldAsync(Stay(nights[..4], 1));
        var eleventh = await ReserveAsync(Request(Stay(nights[..4], 1)));
        Assert.That(eleventh.Outcome, Is.EqualTo(HoldOutcome.Short));
        Assert.That(await FreeAsync(nights), Is.EqualTo(new long[] { 0, 0, 0, 0, 15 }));
        await HoldAsync(Stay(nights[4..], rooms)); // [day 5, day 6)
    }

    private static (PoolKey, long)[] Stay(PoolKey[] nights, long rooms) =>
        [.. nights.Select(night => (night, rooms))];

    private async Task<long[]> FreeAsync(PoolKey[] nights)
    {
        var free = new long[nights.Length];
        for (var i = 0; i < nights.Length; i++)
            free[i] = (await PoolAsync(nights[i])).Item1;
        return free;
    }
}
