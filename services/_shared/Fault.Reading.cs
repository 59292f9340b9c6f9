using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using RpcStatus = Google.Rpc.Status;

namespace Souk.Shared;

/// <summary>An error's google.rpc.ErrorInfo.</summary>
public sealed record FaultInfo(string Reason, string Domain, IReadOnlyDictionary<string, string> Metadata);

/// <summary>
/// Reads back what <see cref="Fault"/> wrote: callers branch on reasons, never on message texts.
/// </summary>
public static partial class Fault
{
    /// <summary>The error's google.rpc.Status; one without details when the trailer is absent.</summary>
    public static RpcStatus StatusOf(RpcException error) =>
        error.Trailers.GetValueBytes(DetailsTrailer) is { } bytes
            ? RpcStatus.Parser.ParseFrom(bytes)
            : new RpcStatus { Code = (int)error.StatusCode, Message = error.Status.Detail };

    /// <summary>The error's reason, such as "OUT_OF_STOCK"; empty when it has none.</summary>
    public static string ReasonOf(RpcException error) => InfoOf(error)?.Reason ?? "";

    /// <summary>Whether the error has this reason.</summary>
    public static bool Is(RpcException error, System.Enum reason) =>
        ReasonOf(error) == ReasonNames.Of(reason).Name;

    /// <summary>The error's reason, the domain it belongs to and the facts it carries.</summary>
    public static FaultInfo? InfoOf(RpcException error) =>
        Detail<ErrorInfo>(error, ErrorInfo.Descriptor) is { } info
            ? new FaultInfo(info.Type, info.Domain, new Dictionary<string, string>(info.Metadata))
            : null;

    /// <summary>The fields that the error complains about.</summary>
    public static IReadOnlyList<Violation> ViolationsOf(RpcException error) =>
        Detail<BadRequest>(error, BadRequest.Descriptor) is { } bad
            ? [.. bad.FieldViolations.Select(field => new Violation(field.Field, field.Description))]
            : [];

    /// <summary>The pause that the error asks for.</summary>
    public static TimeSpan? RetryAfterOf(RpcException error) =>
        Detail<RetryInfo>(error, RetryInfo.Descriptor)?.RetryDelay?.ToTimeSpan();

    /// <summary>An exception that carries a stored status.</summary>
    public static RpcException FromStatus(RpcStatus status) =>
        new(
            new Grpc.Core.Status((StatusCode)status.Code, status.Message),
            new Metadata { { DetailsTrailer, status.ToByteArray() } }
        );

    /// <summary>
    /// Another service's fault as this one's, where its contract has a reason of the same name: whoever is
    /// told knows this service alone. Any other fault stays as it is.
    /// </summary>
    public static RpcException Adopted<TReason>(RpcException error)
        where TReason : struct, System.Enum
    {
        if (!System.Enum.GetValues<TReason>().Any(own => Is(error, own)))
            return error;
        var status = StatusOf(error);
        for (var at = 0; at < status.Details.Count; at++)
        {
            if (!status.Details[at].TryUnpack<ErrorInfo>(out var info))
                continue;
            info.Domain = ReasonNames.Of(default(TReason)).Domain;
            status.Details[at] = Any.Pack(info);
        }
        return FromStatus(status);
    }

    private static T? Detail<T>(RpcException error, Google.Protobuf.Reflection.MessageDescriptor descriptor)
        where T : class, IMessage, new()
    {
        foreach (var any in StatusOf(error).Details)
        {
            if (!any.Is(descriptor))
                continue;
            var detail = new T();
            detail.MergeFrom(any.Value);
            return detail;
        }
        return null;
    }
}
