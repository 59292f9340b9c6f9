using Grpc.Core;
using Souk.Identity.V1;
using Souk.Options.V1;
using Souk.Tests.Harness;

namespace Souk.Tests.Identity;

/// <summary>Who may sell, and that everybody hears of it once.</summary>
internal sealed class SellersTests : IdentityFixture
{
    [Test, Description("SEL-01, CART-02")]
    public async Task SetSellerStatus_ThereAndBackTwice_TellsEachChangeOnce()
    {
        var seller = await SellerAsync();
        foreach (var status in new[] { SellerStatus.Suspended, SellerStatus.Active })
        {
            var first = await SetAsync(seller, status);
            Assert.That((first.SellerId, first.Status), Is.EqualTo((seller, status)));
            Assert.That(await SetAsync(seller, status), Is.EqualTo(first));
        }
        Assert.That(
            await ToldAsync(seller),
            Is.EqualTo(new[] { (SellerStatus.Suspended, 1L), (SellerStatus.Active, 2L) })
        );
    }

    [Test, Description("SEL-01")]
    public async Task SetSellerStatus_ManyAtOnce_NumbersTheChangesWithoutGap()
    {
        var seller = await SellerAsync();
        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(i => SetAsync(seller, i % 2 == 0 ? SellerStatus.Suspended : SellerStatus.Active))
        );
        var versions = (await ToldAsync(seller)).Select(told => told.Version).Order().ToList();
        Assert.That(versions, Is.EqualTo(Enumerable.Range(1, versions.Count).Select(i => (long)i)));
    }

    [Test, Description("SEL-01")]
    public async Task SetSellerStatus_NoSeller_FailsWithNotFound()
    {
        var buyer = (await RegisterAsync()).UserId;
        foreach (var id in new[] { buyer, TestCaller.Seller().UserId, "nonsense" })
        {
            var failure = await Failure.OfAsync(() => SetAsync(id, SellerStatus.Suspended));
            Assert.That(failure, Is.EqualTo(new Failure(StatusCode.NotFound, "RESOURCE_NOT_FOUND")), id);
        }
    }

    [TestCase(SellerStatus.Unspecified)]
    [TestCase((SellerStatus)7)]
    public async Task SetSellerStatus_NoStatus_FailsNamingTheField(SellerStatus status)
    {
        var seller = await SellerAsync();
        var failure = await Failure.OfAsync(() => SetAsync(seller, status));
        Assert.That(failure.Code, Is.EqualTo(StatusCode.InvalidArgument));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "status" }));
    }

    [Test, Description("SEL-01")]
    public async Task SetUserRoles_SellerNoMore_SuspendsTheSeller()
    {
        var seller = await SellerAsync();
        await SetRolesAsync(seller, Role.Buyer);
        await SetRolesAsync(seller, Role.Buyer, Role.Moderator);
        Assert.That(await ToldAsync(seller), Is.EqualTo(new[] { (SellerStatus.Suspended, 1L) }));
    }

    private async Task<string> SellerAsync()
    {
        var user = await RegisterAsync();
        await SetRolesAsync(user.UserId, Role.Buyer, Role.Seller);
        return user.UserId;
    }

    private async Task SetRolesAsync(string userId, params Role[] roles) =>
        await As(TestCaller.Admin())
            .SetUserRolesAsync(new SetUserRolesRequest { UserId = userId, Roles = { roles } });

    private async Task<Seller> SetAsync(string sellerId, SellerStatus status) =>
        await As(TestCaller.Operator())
            .SetSellerStatusAsync(new SetSellerStatusRequest { SellerId = sellerId, Status = status });

    private async Task<IEnumerable<(SellerStatus Status, long Version)>> ToldAsync(string sellerId)
    {
        await Mesh.DeliverEventsAsync();
        return Mesh
            .Bus.On<SellerChanged>("seller.changed")
            .Where(changed => changed.SellerId == sellerId)
            .Select(changed => (changed.Status, changed.Version));
    }
}
