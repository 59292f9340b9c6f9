using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;

namespace Souk.Tests.Gateway;

/// <summary>Both directions of transcoding as the tests call them.</summary>
internal static class Transcode
{
    private static readonly PlanCompiler Compiler = new();
    private static readonly Lock Building = new();

    public static MessagePlan Plan(MessageDescriptor descriptor)
    {
        lock (Building)
            return Compiler.Compile(descriptor);
    }

    public static T FromJson<T>(string json)
        where T : IMessage<T>, new() => FromJson<T>(Encoding.UTF8.GetBytes(json));

    public static T FromJson<T>(byte[] json)
        where T : IMessage<T>, new()
    {
        var message = new T();
        using var wire = new PooledBuffer();
        JsonToWire.Message(Plan(message.Descriptor), json, wire);
        message.MergeFrom(wire.Written.ToArray());
        return message;
    }

    public static string ToJson(IMessage message) => ToJson(message.Descriptor, message.ToByteArray());

    public static string ToJson(MessageDescriptor descriptor, byte[] wire)
    {
        using var json = new PooledBuffer();
        WireToJson.Message(Plan(descriptor), wire, json);
        return Encoding.UTF8.GetString(json.Written);
    }

    public static BadRequestException Refusal<T>(string json)
        where T : IMessage<T>, new() => Assert.Throws<BadRequestException>(() => FromJson<T>(json))!;
}
