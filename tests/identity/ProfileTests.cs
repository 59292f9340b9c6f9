using System.Text.Json;
using Grpc.Core;
using Souk.Identity;
using Souk.Identity.V1;
using Souk.Payments.V1;
using Souk.Shared;
using Souk.Tests.Harness;
using Souk.Type;
using IdentityService = Souk.Identity.V1.IdentityService;

namespace Souk.Tests.Identity;

internal sealed class ProfileTests : IdentityFixture
{
    [Test, Description("U-05")]
    public async Task CreateAddress_Of50_IsTheLast()
    {
        var me = await SignedInAsync();
        for (var i = 0; i < 50; i++)
            await me.CreateAddressAsync(new CreateAddressRequest { Address = Somewhere($"{i} Main Street") });
        var failure = await Failure.OfAsync(() =>
            me.CreateAddressAsync(new CreateAddressRequest { Address = Somewhere() })
        );
        Assert.That(failure, Is.EqualTo(new Failure(StatusCode.FailedPrecondition, "TOO_MANY_ADDRESSES")));
        var list = await me.ListAddressesAsync(new ListAddressesRequest());
        Assert.That(
            list.Addresses.Select(a => a.Address.Line1),
            Is.EquivalentTo(Enumerable.Range(0, 50).Select(i => $"{i} Main Street"))
        );
    }

    [Test, Description("U-05")]
    public async Task UpdateAddress_Own_ReplacesIt()
    {
        var me = await SignedInAsync();
        var saved = await me.CreateAddressAsync(new CreateAddressRequest { Address = Somewhere() });
        var changed = await me.UpdateAddressAsync(
            new UpdateAddressRequest { AddressId = saved.AddressId, Address = Somewhere("2 Side Street") }
        );
        Assert.That(changed.Address, Is.EqualTo(Somewhere("2 Side Street")));
    }

    [Test, Description("X-06")]
    public async Task UpdateAddress_OfAnother_FailsWithNotFound()
    {
        var saved = await (await SignedInAsync()).CreateAddressAsync(
            new CreateAddressRequest { Address = Somewhere() }
        );
        var other = await SignedInAsync();
        var failure = await Failure.OfAsync(() =>
            other.UpdateAddressAsync(
                new UpdateAddressRequest { AddressId = saved.AddressId, Address = Somewhere() }
            )
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.NotFound));
    }

    [Test, Description("U-05")]
    public async Task DeleteAddress_Twice_IsNoErrorAndLeavesOthersAlone()
    {
        var me = await SignedInAsync();
        var first = await me.CreateAddressAsync(new CreateAddressRequest { Address = Somewhere() });
        var second = await me.CreateAddressAsync(new CreateAddressRequest { Address = Somewhere() });
        await me.DeleteAddressAsync(new DeleteAddressRequest { AddressId = first.AddressId });
        await me.DeleteAddressAsync(new DeleteAddressRequest { AddressId = first.AddressId });
        await (await SignedInAsync()).DeleteAddressAsync(
            new DeleteAddressRequest { AddressId = second.AddressId }
        );
        var list = await me.ListAddressesAsync(new ListAddressesRequest());
        Assert.That(list.Addresses.Select(a => a.AddressId), Is.EqualTo(new[] { second.AddressId }));
    }

    [TestCase("usa")]
    [TestCase("us")]
    [TestCase("")]
    public async Task CreateAddress_NoCountryCode_FailsNamingTheField(string country)
    {
        var me = await SignedInAsync();
        var address = Somewhere();
        address.Country = country;
        var failure = await Failure.OfAsync(() =>
            me.CreateAddressAsync(new CreateAddressRequest { Address = address })
        );
        Assert.That(failure.Code, Is.EqualTo(StatusCode.InvalidArgument));
        Assert.That(failure.Fields, Is.EqualTo(new[] { "address.country" }));
    }

    [Test, Description("U-05")]
    public async Task UpdatePreferences_Own_AreReturnedFromThenOn()
    {
        var me = await SignedInAsync();
        Assert.That(
            await me.GetPreferencesAsync(new GetPreferencesRequest()),
            Is.EqualTo(new Preferences { Locale = "en", Currency = "USD" })
        );
        var wanted = new Preferences
        {
            Locale = "de-CH",
            Currency = "CHF",
            MarketingConsent = true,
        };
        await me.UpdatePreferencesAsync(new UpdatePreferencesRequest { Preferences = wanted });
        Assert.That(await me.GetPreferencesAsync(new GetPreferencesRequest()), Is.EqualTo(wanted));
    }

    [Test, Description("U-03")]
    public async Task GetProfile_AfterACardPaid_ShowsBrandAndLastFourOnce()
    {
        var email = NewEmail();
        var user = await RegisterAsync(email);
        await Service.Db.InTransactionAsync(
            async tx =>
            {
                var paid = new PaymentCompleted
                {
                    UserId = user.UserId,
                    CardBrand = "visa",
                    CardLast4 = "4242",
                    CompletedAt = user.CreatedAt,
                };
                Service.Get<Outbox>().Add(tx, "payment.completed", paid);
                Service.Get<Outbox>().Add(tx, "payment.completed", paid);
                await Task.CompletedTask;
            },
            CancellationToken.None
        );
        await Mesh.DeliverEventsAsync();
        var profile = await With((await LoginAsync(email)).AccessToken)
            .GetProfileAsync(new GetProfileRequest());
        Assert.That(
            profile.PaymentMethods,
            Is.EqualTo(
                new[]
                {
                    new SavedPaymentMethod
                    {
                        Type = "card",
                        Brand = "visa",
                        Last4 = "4242",
                    },
                }
            )
        );
    }

    [Test]
    public async Task RunAsync_AccountsOfAFile_OpensEachOnce()
    {
        var file = Path.GetTempFileName();
        var email = NewEmail();
        await File.WriteAllTextAsync(
            file,
            JsonSerializer.Serialize(new { @operator = new { email, password = Password } })
        );
        var seeds = Service
            .Get<IEnumerable<Microsoft.Extensions.Hosting.IHostedService>>()
            .OfType<SeedAccounts>()
            .Single();
        await seeds.RunAsync(file, CancellationToken.None);
        await seeds.RunAsync(file, CancellationToken.None);
        File.Delete(file);
        var profile = await With((await LoginAsync(email)).AccessToken)
            .GetProfileAsync(new GetProfileRequest());
        Assert.That(profile.Roles, Is.EqualTo(new[] { Options.V1.Role.Buyer, Options.V1.Role.Operator }));
    }

    [Test]
    [Description("U-05")]
    public async Task GetPreferences_NeverSaved_GivesTheDefaults()
    {
        var me = await SignedInAsync();
        Assert.That(
            await me.GetPreferencesAsync(new GetPreferencesRequest()),
            Is.EqualTo(new Preferences { Locale = "en", Currency = "USD" })
        );
    }

    [Test]
    [Description("X-06")]
    public async Task ListAddresses_OfANewAccount_IsEmptyWhateverOthersHave()
    {
        await (await SignedInAsync()).CreateAddressAsync(new CreateAddressRequest { Address = Somewhere() });
        var list = await (await SignedInAsync()).ListAddressesAsync(new ListAddressesRequest());
        Assert.That(list.Addresses, Is.Empty);
    }

    private async Task<IdentityService.IdentityServiceClient> SignedInAsync()
    {
        var email = NewEmail();
        await RegisterAsync(email);
        return With((await LoginAsync(email)).AccessToken);
    }

    private static Address Somewhere(string line1 = "1 Main Street") =>
        new()
        {
            Name = "Ada Buyer",
            Line1 = line1,
            City = "Springfield",
            PostalCode = "62701",
            Country = "US",
        };
}
