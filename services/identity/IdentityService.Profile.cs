using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using Souk.Identity.V1;
using Souk.Type;
using Reason = Souk.Identity.V1.Reason;

namespace Souk.Identity;

internal sealed partial class IdentityService
{
    private const int AddressesMax = 50;
    private const string AddressPrefix = "addr";
    private const string LocaleDefault = "en";
    private const string CurrencyDefault = "USD";

    /// <inheritdoc />
    public override async Task<Profile> GetProfile(GetProfileRequest request, ServerCallContext context)
    {
        var caller = Caller.Of(context);
        var user =
            await db.OneAsync(GetProfileSql, [caller.UserGuid], ReadUser, context.CancellationToken)
            ?? throw Fault.NotFound("user", caller.UserId);
        var profile = new Profile
        {
            UserId = user.UserId,
            Name = user.Name,
            Email = user.Email,
            Roles = { user.Roles },
            CreatedAt = user.CreatedAt,
        };
        profile.Addresses.Add(await AddressesAsync(caller.UserGuid, context.CancellationToken));
        profile.PaymentMethods.Add(
            await db.ListAsync(
                GetProfilePaymentMethodsSql,
                [caller.UserGuid],
                row => new SavedPaymentMethod
                {
                    Type = "card",
                    Brand = row.GetString(0),
                    Last4 = row.GetString(1),
                },
                context.CancellationToken
            )
        );
        return profile;
    }

    private const string GetProfileSql = "select id, name, email, roles, created_at from users where id = $1";

    private const string GetProfilePaymentMethodsSql = """
        select brand, last4
          from payment_method
         where user_id = $1
         order by last_used_at desc, brand, last4
         limit 10
        """;

    /// <inheritdoc />
    public override Task<SavedAddress> CreateAddress(CreateAddressRequest request, ServerCallContext context)
    {
        var userId = Caller.Of(context).UserGuid;
        var address = Checked(request.Address);
        return db.InTransactionAsync(
            async tx =>
            {
                // The user's row is the lock: parallel calls count one after the other.
                await tx.ExecuteAsync(CreateAddressLockSql, [userId], tx.CancellationToken);
                var count = await tx.ScalarAsync<long>(CreateAddressCountSql, [userId], tx.CancellationToken);
                if (count >= AddressesMax)
                    throw Fault.FailedPrecondition(
                        Reason.TooManyAddresses,
                        $"An account has at most {AddressesMax} addresses."
                    );
                return await tx.OneAsync(
                        CreateAddressSql,
                        [Ids.New(clock), userId, .. Columns(address), clock.GetUtcNow()],
                        ReadAddress,
                        tx.CancellationToken
                    ) ?? throw new InvalidOperationException("insert returned no row");
            },
            context.CancellationToken
        );
    }

    private const string CreateAddressLockSql = "select 1 from users where id = $1 for update";
    private const string CreateAddressCountSql = "select count(*) from address where user_id = $1";
    private const string CreateAddressSql = """
        insert into address (id, user_id, name, line1, line2, city, region, postal_code, country, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        returning id, name, line1, line2, city, region, postal_code, country, created_at
        """;

    /// <inheritdoc />
    public override async Task<ListAddressesResponse> ListAddresses(
        ListAddressesRequest request,
        ServerCallContext context
    )
    {
        var response = new ListAddressesResponse();
        response.Addresses.Add(await AddressesAsync(Caller.Of(context).UserGuid, context.CancellationToken));
        return response;
    }

    private Task<List<SavedAddress>> AddressesAsync(Guid userId, CancellationToken cancellationToken) =>
        db.ListAsync(ListAddressesSql, [userId], ReadAddress, cancellationToken);

    private const string ListAddressesSql = """
        select id, name, line1, line2, city, region, postal_code, country, created_at
          from address
         where user_id = $1
         order by created_at, id
         limit 50
        """;

    /// <inheritdoc />
    public override async Task<SavedAddress> UpdateAddress(
        UpdateAddressRequest request,
        ServerCallContext context
    )
    {
        var id = Ids.Parse(AddressPrefix, request.AddressId);
        return await db.OneAsync(
                UpdateAddressSql,
                [id, Caller.Of(context).UserGuid, .. Columns(Checked(request.Address))],
                ReadAddress,
                context.CancellationToken
            ) ?? throw Fault.NotFound("address", request.AddressId);
    }

    private const string UpdateAddressSql = """
        update address
           set name = $3, line1 = $4, line2 = $5, city = $6, region = $7, postal_code = $8, country = $9
         where id = $1 and user_id = $2
        returning id, name, line1, line2, city, region, postal_code, country, created_at
        """;

    /// <inheritdoc />
    public override async Task<Empty> DeleteAddress(DeleteAddressRequest request, ServerCallContext context)
    {
        if (Ids.TryParse(AddressPrefix, request.AddressId, out var id))
            await db.ExecuteAsync(
                DeleteAddressSql,
                [id, Caller.Of(context).UserGuid],
                context.CancellationToken
            );
        return new Empty();
    }

    private const string DeleteAddressSql = "delete from address where id = $1 and user_id = $2";

    /// <inheritdoc />
    public override async Task<Preferences> GetPreferences(
        GetPreferencesRequest request,
        ServerCallContext context
    ) =>
        await db.OneAsync(
            GetPreferencesSql,
            [Caller.Of(context).UserGuid],
            ReadPreferences,
            context.CancellationToken
        ) ?? new Preferences { Locale = LocaleDefault, Currency = CurrencyDefault };

    private const string GetPreferencesSql = """
        select locale, currency, marketing_consent from preference where user_id = $1
        """;

    /// <inheritdoc />
    public override async Task<Preferences> UpdatePreferences(
        UpdatePreferencesRequest request,
        ServerCallContext context
    )
    {
        var wanted = request.Preferences;
        var locale = wanted.Locale.Length == 0 ? LocaleDefault : wanted.Locale;
        var currency = wanted.Currency.Length == 0 ? CurrencyDefault : wanted.Currency;
        if (!locale.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-'))
            throw Fault.InvalidArgument("preferences.locale", "must be a BCP 47 tag such as de-CH");
        if (!Currency.IsKnown(currency))
            throw Fault.InvalidArgument("preferences.currency", "must be an ISO 4217 code");
        return await db.OneAsync(
                UpdatePreferencesSql,
                [Caller.Of(context).UserGuid, locale, currency, wanted.MarketingConsent, clock.GetUtcNow()],
                ReadPreferences,
                context.CancellationToken
            ) ?? throw new InvalidOperationException("upsert returned no row");
    }

    private const string UpdatePreferencesSql = """
        insert into preference (user_id, locale, currency, marketing_consent, updated_at)
        values ($1, $2, $3, $4, $5)
            on conflict (user_id) do update
           set locale = excluded.locale, currency = excluded.currency,
               marketing_consent = excluded.marketing_consent, updated_at = excluded.updated_at
        returning locale, currency, marketing_consent
        """;

    private static Address Checked(Address address)
    {
        Addresses.Check(address, "address");
        return address;
    }

    private static object[] Columns(Address address) =>
        [
            address.Name,
            address.Line1,
            address.Line2,
            address.City,
            address.Region,
            address.PostalCode,
            address.Country,
        ];

    private static SavedAddress ReadAddress(NpgsqlDataReader row) =>
        new()
        {
            AddressId = row.Id(AddressPrefix, 0),
            Address = new Address
            {
                Name = row.GetString(1),
                Line1 = row.GetString(2),
                Line2 = row.GetString(3),
                City = row.GetString(4),
                Region = row.GetString(5),
                PostalCode = row.GetString(6),
                Country = row.GetString(7),
            },
            CreatedAt = row.Timestamp(8),
        };

    private static Preferences ReadPreferences(NpgsqlDataReader row) =>
        new()
        {
            Locale = row.GetString(0),
            Currency = row.GetString(1),
            MarketingConsent = row.GetBoolean(2),
        };
}
