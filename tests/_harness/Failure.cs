using Grpc.Core;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>How a call failed, in a form that assertions compare whole.</summary>
internal sealed record Failure(StatusCode Code, string Reason)
{
    internal RpcException Error { get; private init; } = null!;

    internal IReadOnlyDictionary<string, string> Metadata =>
        Fault.InfoOf(Error)?.Metadata ?? new Dictionary<string, string>();

    internal IReadOnlyList<string> Fields =>
        [.. Fault.ViolationsOf(Error).Select(violation => violation.Field)];

    public bool Equals(Failure? other) => other is not null && Code == other.Code && Reason == other.Reason;

    public override int GetHashCode() => HashCode.Combine(Code, Reason);

    public override string ToString() => $"{Code}/{Reason} {Error?.Status.Detail}";

    /// <summary>The failure that an error reports.</summary>
    internal static Failure Of(RpcException error) =>
        new(error.StatusCode, Fault.ReasonOf(error)) { Error = error };

    /// <summary>Makes the call and gives its failure; a success fails the test.</summary>
    internal static async Task<Failure> OfAsync<T>(Func<AsyncUnaryCall<T>> call) =>
        await OfAsync(async () => await call());

    /// <summary>Runs the work and gives its failure; a success fails the test.</summary>
    internal static async Task<Failure> OfAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (RpcException e)
        {
            return Of(e);
        }
        throw new AssertionException("The call succeeded but should have failed.");
    }
}
