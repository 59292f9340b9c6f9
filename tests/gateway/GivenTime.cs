using Grpc.Core;

namespace Souk.Tests.Gateway;

/// <summary>The time that the gateway gives a service, as the backends of tests tell it.</summary>
internal static class GivenTime
{
    /// <summary>By its own word: how much is left depends on the machine.</summary>
    internal static int MsGiven(this ServerCallContext context) =>
        int.Parse(context.GetHttpContext().Request.Headers["grpc-timeout"].ToString().TrimEnd('m'));
}
