using System.Text;
using Grpc.Core;

namespace Souk.Tests.Standins;

/// <summary>The types that need no server.</summary>
[TestFixture]
public sealed class GrpcTypesTests
{
    [TestCase("Trace-Id", "trace-id")]
    [TestCase("a.b_c-9", "a.b_c-9")]
    public void MetadataKey_Valid_IsLowered(string key, string stored) =>
        Assert.That(new Metadata { { key, "v" } }[0].Key, Is.EqualTo(stored));

    [TestCase("")]
    [TestCase("with space")]
    [TestCase("colon:")]
    [TestCase("ümlaut")]
    public void MetadataKey_Invalid_IsRefused(string key) =>
        Assert.Throws<ArgumentException>(() => _ = new Metadata.Entry(key, "v"));

    [Test]
    public void MetadataEntry_KindAndKeyDisagree_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => _ = new Metadata.Entry("a-bin", "text"));
        Assert.Throws<ArgumentException>(() => _ = new Metadata.Entry("a", [1]));
    }

    [Test]
    public void MetadataEntry_Bytes_CannotBeChangedFromOutside()
    {
        byte[] bytes = [1, 2];
        var entry = new Metadata.Entry("a-bin", bytes);
        bytes[0] = 9;
        entry.ValueBytes[1] = 9;
        Assert.That(entry.ValueBytes, Is.EqualTo(new byte[] { 1, 2 }));
        Assert.Throws<InvalidOperationException>(() => _ = entry.Value);
    }

    [Test]
    public void MetadataEntry_Text_HasAsciiBytes() =>
        Assert.That(new Metadata.Entry("a", "hi").ValueBytes, Is.EqualTo("hi"u8.ToArray()));

    [Test]
    public void Metadata_RepeatedKey_NewestCounts()
    {
        var metadata = new Metadata
        {
            { "k", "1" },
            { "other", "x" },
            { "k", "2" },
        };
        Assert.That(metadata.GetValue("k"), Is.EqualTo("2"));
        Assert.That(metadata.GetAll("k").Select(e => e.Value), Is.EqualTo(new[] { "1", "2" }));
        Assert.That(metadata.Get("absent"), Is.Null);
    }

    [Test]
    public void MetadataEmpty_AnyChange_IsRefused()
    {
        Assert.That(Metadata.Empty.IsReadOnly, Is.True);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "b"));
        Assert.Throws<InvalidOperationException>(Metadata.Empty.Clear);
        Assert.That(Metadata.Empty, Is.Empty);
    }

    [Test]
    public void CallOptions_With_ChangesOnlyTheCopy()
    {
        var headers = new Metadata();
        var deadline = DateTime.UnixEpoch;
        var before = new CallOptions(headers);
        var after = before.WithDeadline(deadline).WithWaitForReady().WithWriteOptions(WriteOptions.Default);
        Assert.That(before.Deadline, Is.Null);
        Assert.That(before.IsWaitForReady, Is.False);
        Assert.That(after.Headers, Is.SameAs(headers));
        Assert.That(after.Deadline, Is.EqualTo(deadline));
        Assert.That(after.IsWaitForReady, Is.True);
        Assert.That(after.WriteOptions, Is.SameAs(WriteOptions.Default));
    }

    [Test]
    public void Marshaller_FromContextual_OffersArrays()
    {
        var marshaller = Marshallers.Create<string>(
            (message, context) =>
            {
                context.SetPayloadLength(Encoding.UTF8.GetByteCount(message));
                Encoding.UTF8.GetBytes(message, context.GetBufferWriter());
                context.Complete();
            },
            context => Encoding.UTF8.GetString(context.PayloadAsReadOnlySequence())
        );
        Assert.That(marshaller.Deserializer(marshaller.Serializer("souk")), Is.EqualTo("souk"));
        Assert.That(marshaller.Deserializer(marshaller.Serializer("")), Is.Empty);
    }

    [Test]
    public void Marshaller_SerializerThatForgetsToComplete_IsReported()
    {
        var marshaller = Marshallers.Create<string>((_, _) => { }, _ => "");
        Assert.Throws<InvalidOperationException>(() => marshaller.Serializer("a"));
    }

    [Test]
    public void Method_FullName_IsThePath() =>
        Assert.That(GrpcEcho.Echo.FullName, Is.EqualTo("/souk.test.Echo/Echo"));

    [Test]
    public void RpcException_NoMessage_DescribesStatus()
    {
        var cause = new IOException("down");
        var error = new RpcException(new Status(StatusCode.Unavailable, "later", cause));
        Assert.That(error?.Message, Does.Contain("Unavailable").And.Contain("later"));
        Assert.That(error?.InnerException, Is.SameAs(cause));
        Assert.That(error?.Trailers, Is.Empty);
    }

    [Test]
    public void ServiceDefinition_SameMethodTwice_IsRefused()
    {
        var builder = ServerServiceDefinition.CreateBuilder();
        builder.AddMethod(GrpcEcho.Echo, (request, _) => Task.FromResult(request));
        Assert.Throws<ArgumentException>(() =>
            builder.AddMethod(GrpcEcho.Echo, (request, _) => Task.FromResult(request))
        );
    }

    [Test]
    public void ServiceDefinition_Bind_HandsOverEachMethod()
    {
        var definition = ServerServiceDefinition
            .CreateBuilder()
            .AddMethod(GrpcEcho.Echo, (request, _) => Task.FromResult(request))
            .AddMethod(GrpcEcho.Fail, (request, _) => Task.FromResult(request))
            .Build();
        var binder = new Names();
        definition.BindService(binder);
        Assert.That(binder.Bound, Is.EqualTo(new[] { "Echo", "Fail" }));
    }

    [Test]
    public void ChannelCredentials_CallCredentialsOnPlainChannel_AreRefused()
    {
        var call = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);
        Assert.Throws<ArgumentException>(() => ChannelCredentials.Create(ChannelCredentials.Insecure, call));
        Assert.That(ChannelCredentials.Create(ChannelCredentials.SecureSsl, call), Is.Not.Null);
    }

    [Test]
    public void AuthContext_Properties_AreFoundByName()
    {
        var property = AuthProperty.Create("cn", "shop"u8.ToArray());
        var context = new AuthContext("cn", new() { ["cn"] = [property] });
        Assert.That(context.IsPeerAuthenticated, Is.True);
        Assert.That(context.PeerIdentity.Single().Value, Is.EqualTo("shop"));
        Assert.That(context.FindPropertiesByName("absent"), Is.Empty);
        Assert.That(new AuthContext(null, []).PeerIdentity, Is.Empty);
    }

    [Test]
    public async Task StreamWriter_OnlyOldOverload_RefusesTokenThatCanCancel()
    {
        var written = new List<string>();
        IAsyncStreamWriter<string> writer = new OldWriter(written);
        using var source = new CancellationTokenSource();
        await writer.WriteAsync("a", CancellationToken.None);
        await Assert.ThrowsAsync<NotSupportedException>(() => writer.WriteAsync("b", source.Token));
        Assert.That(written, Is.EqualTo(new[] { "a" }));
    }

    private sealed class Names : ServiceBinderBase
    {
        public List<string> Bound { get; } = [];

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method,
            UnaryServerMethod<TRequest, TResponse>? handler
        ) => Bound.Add(method.Name);
    }

    private sealed class OldWriter(List<string> written) : IAsyncStreamWriter<string>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message)
        {
            written.Add(message);
            return Task.CompletedTask;
        }
    }
}
