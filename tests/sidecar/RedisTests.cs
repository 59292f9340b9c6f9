using System.Buffers;
using System.Text;
using Souk.Sidecar.Redis;
using Souk.Tests.Harness;

namespace Souk.Tests.Sidecar;

/// <summary>The Redis client: its wire format, and what it does when the server goes away.</summary>
internal sealed class RedisTests
{
    // Enough on a machine that stalls.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly string _prefix = $"redis-{Guid.CreateVersion7():N}-";
    private RedisClient _redis = null!;

    private static RedisOptions Options
    {
        get
        {
            var address = Backends.Redis.Split(':');
            return new RedisOptions(address[0], int.Parse(address[1]));
        }
    }

    [SetUp]
    public void Connect() => _redis = new RedisClient(Options, Patience, TimeProvider.System);

    [TearDown]
    public async Task Disconnect()
    {
        if (_redis is not null)
            await _redis.DisposeAsync();
    }

    [Test]
    public async Task Execute_ManyAtOnce_EachGetsItsOwnReply()
    {
        var replies = await Task.WhenAll(
            Enumerable
                .Range(0, 5000)
                .Select(async i => (await _redis.ExecuteAsync(["ECHO", $"{i}"], default)).Text)
        );
        Assert.That(replies, Is.EqualTo(Enumerable.Range(0, 5000).Select(i => $"{i}")));
    }

    [Test]
    public async Task Execute_BinaryAndLarge_SurviveTheTrip()
    {
        var bytes = new byte[3_000_000];
        Random.Shared.NextBytes(bytes);
        await _redis.ExecuteAsync(["SET", _prefix + "big", bytes, "EX", 600], default);
        Assert.That((await _redis.ExecuteAsync(["GET", _prefix + "big"], default)).Bytes, Is.EqualTo(bytes));
    }

    [Test]
    public async Task Execute_ServerError_IsThrown()
    {
        var error = await Assert.ThrowsAsync<RedisServerException>(async () =>
            await _redis.ExecuteAsync(["NONSENSE"], default)
        );
        Assert.That(error?.Is("ERR"), Is.True);
    }

    [Test]
    public async Task Execute_Batch_IsNotInterleaved()
    {
        var key = _prefix + "counter";
        await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(_ =>
                    _redis.ExecuteAsync(
                        [
                            ["MULTI"],
                            ["INCR", key],
                            ["EXPIRE", key, 600],
                            ["EXEC"],
                        ],
                        default
                    )
                )
        );
        Assert.That((await _redis.ExecuteAsync(["GET", key], default)).Text, Is.EqualTo("200"));
    }

    [Test]
    public async Task Evaluate_ServerForgotTheScript_LoadsItAgain()
    {
        var script = new LuaScript($"return ARGV[1] .. '{_prefix}'");
        Assert.That((await _redis.EvaluateAsync(script, [], ["a"], default)).Text, Is.EqualTo("a" + _prefix));
        script.Sha = new string('0', 40);
        Assert.That((await _redis.EvaluateAsync(script, [], ["b"], default)).Text, Is.EqualTo("b" + _prefix));
    }

    [Test]
    public async Task Execute_ConnectionKilled_NextCommandReconnects()
    {
        var id = (await _redis.ExecuteAsync(["CLIENT", "ID"], default)).Integer;
        await using var other = new RedisClient(Options, Patience, TimeProvider.System);
        await other.ExecuteAsync(["CLIENT", "KILL", "ID", id], default);
        Assert.That((await _redis.RepeatableAsync(["PING"], default)).Text, Is.EqualTo("PONG"));
    }

    [Test]
    public async Task Execute_NobodyThere_FailsSoon()
    {
        var options = Options with { Port = FreePorts.One() };
        var redis = new RedisClient(options, Patience, TimeProvider.System);
        await Assert.ThrowsAsync<RedisConnectionException>(async () =>
            await redis.ExecuteAsync(["PING"], default)
        );
    }

    [Test]
    public async Task Execute_Cancelled_LeavesTheConnectionInOrder()
    {
        using var cancellation = new CancellationTokenSource();
        var slow = _redis.ExecuteAsync(["BLPOP", _prefix + "empty", "0.3"], cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<TaskCanceledException>(async () => await slow);
        Assert.That((await _redis.ExecuteAsync(["ECHO", "next"], default)).Text, Is.EqualTo("next"));
    }

    [Test]
    public void Parser_AnySplit_ReadsTheSame()
    {
        const string Reply = "*5\r\n+OK\r\n-ERR bad\r\n:-42\r\n$5\r\na\r\nbc\r\n*2\r\n$-1\r\n*-1\r\n";
        var bytes = Encoding.ASCII.GetBytes(Reply);
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var partial = new ReadOnlySequence<byte>(bytes, 0, cut);
            Assert.That(RespParser.TryRead(ref partial, out _), Is.False);
            Assert.That(partial.Length, Is.EqualTo(cut), "an unfinished reply consumes nothing");
        }
        var whole = new ReadOnlySequence<byte>(bytes);
        Assert.That(RespParser.TryRead(ref whole, out var value));
        Assert.That(whole.IsEmpty);
        Assert.Multiple(() =>
        {
            Assert.That(value.Items[0].Text, Is.EqualTo("OK"));
            Assert.That(value.Items[1].IsError);
            Assert.That(value.Items[2].Integer, Is.EqualTo(-42));
            Assert.That(value.Items[3].Text, Is.EqualTo("a\r\nbc"));
            Assert.That(value.Items[4].Items.Select(item => item.IsNull), Is.All.True);
        });
    }

    [TestCase("x\r\n")]
    [TestCase("\r\n")]
    [TestCase(":12x\r\n")]
    public void Parser_NotRedis_IsRefused(string reply)
    {
        var buffer = new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(reply));
        Assert.Throws<InvalidDataException>(() => RespParser.TryRead(ref buffer, out _));
    }
}
