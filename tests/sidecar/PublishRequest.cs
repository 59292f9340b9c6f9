using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;

namespace Souk.Tests.Sidecar;

/// <summary>Events as tests publish them, on the pub/sub that they all call pubsub.</summary>
internal static class PublishRequest
{
    internal static PublishEventRequest Of(
        string topic,
        string data,
        string contentType = "",
        params (string Name, string Value)[] metadata
    ) => Of(topic, ByteString.CopyFromUtf8(data), contentType, metadata);

    internal static PublishEventRequest Of(
        string topic,
        ByteString data,
        string contentType = "",
        params (string Name, string Value)[] metadata
    )
    {
        var request = new PublishEventRequest
        {
            PubsubName = "pubsub",
            Topic = topic,
            Data = data,
            DataContentType = contentType,
        };
        foreach (var (name, value) in metadata)
            request.Metadata.Add(name, value);
        return request;
    }
}
