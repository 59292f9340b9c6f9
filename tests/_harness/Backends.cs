using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>
/// The real servers that tests run against. Missing ones fail on CI and are ignored on a desk.
/// </summary>
internal static class Backends
{
    internal static Uri Postgres => new(Require("SOUK_POSTGRES"));

    internal static string Redis => Require("SOUK_REDIS");

    private static string Require(string name)
    {
        var value = Env.Text(name, "");
        if (value.Length > 0)
            return value;
        var message = $"{name} is not set: `make test` starts the backends and sets it.";
        if (Env.Flag("CI", false))
            Assert.Fail(message);
        Assert.Ignore(message);
        return "";
    }
}
