using Dapr.Client;

namespace Souk.Tests.Standins;

/// <summary>
/// The stand-in must not grow a member of its own: whatever the services use of it, the official packages
/// must have. The list was checked against what is known of those; so is any change to it.
/// </summary>
public sealed class DaprSurfaceTests
{
    [Test]
    public void PublicSurface_HandWrittenPart_IsTheListedOne()
    {
        var actual = PublicSurface
            .Of(typeof(DaprClient).Assembly.GetExportedTypes().Where(type => !IsFromProto(type)))
            .Where(line => !IsOfEveryRecord(line))
            .Order(StringComparer.Ordinal)
            .ToArray();

        var list = Path.Combine(TestContext.CurrentContext.TestDirectory, "dapr-sdk.txt");
        Assert.That(actual, Is.EqualTo(File.ReadAllLines(list)), "\n" + string.Join('\n', actual));
    }

    private static bool IsFromProto(System.Type type) =>
        type.Namespace is { } space
        && (
            space.EndsWith(".v1", StringComparison.Ordinal)
            || space.EndsWith(".Protobuf", StringComparison.Ordinal)
        );

    private static bool IsOfEveryRecord(string line) =>
        line.Contains(" Equals(", StringComparison.Ordinal)
        || line.Contains(" GetHashCode(", StringComparison.Ordinal)
        || line.Contains(" ToString(", StringComparison.Ordinal)
        || line.Contains(" Deconstruct(", StringComparison.Ordinal)
        || line.Contains("PrintMembers(", StringComparison.Ordinal)
        || line.Contains("EqualityContract", StringComparison.Ordinal)
        || line.Contains("<Clone>$", StringComparison.Ordinal);
}
