using System.Buffers.Binary;
using System.Text;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>
/// HTTP/2 from a seed: real requests and gRPC calls among frames that are odd, damaged or out of place.
/// </summary>
internal sealed class FuzzFrames(Random random)
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte Ping = 6;
    private const byte EndStream = 0x1;
    private const byte EndHeaders = 0x4;

    private static readonly string[] Paths =
    [
        "/api/v1/names",
        "/api/v1/things/1",
        "/api/v1/things/search?q=%zz",
        "/api/v1/pages/7",
        "/souk.echo.v1.EchoService/GetThing",
        "/souk.echo.v1.EchoService/WatchThings",
        "/souk.echo.v1.EchoService/Nothing",
        "/grpc.health.v1.Health/Check",
        "*",
        "",
    ];

    private int _stream = -1;

    /// <summary>What a connection starts with.</summary>
    public static byte[] Opening => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])];

    /// <summary>The mark that a reader looks for: everything before it has been dealt with.</summary>
    public static byte[] Mark => Frame(Ping, 0, 0, "the end!"u8);

    /// <summary>Some requests and what comes with them.</summary>
    public byte[] Next(int requests)
    {
        var all = new List<byte>();
        for (var request = 0; request < requests; request++)
        {
            var frames = Request();
            all.AddRange(random.Next(40) == 0 ? Damaged(frames) : frames);
            if (random.Next(60) == 0)
                all.AddRange(Odd());
        }
        return [.. all];
    }

    private byte[] Request()
    {
        _stream += 2;
        var path = Paths[random.Next(Paths.Length)];
        var isCall =
            path.StartsWith("/souk", StringComparison.Ordinal)
            || path.StartsWith("/grpc", StringComparison.Ordinal);
        var head = new List<byte> { isCall || random.Next(8) == 0 ? (byte)0x83 : (byte)0x82, 0x86 };
        Literal(head, 4, path);
        Literal(head, 1, "x");
        if (isCall)
        {
            Literal(head, 31, random.Next(10) == 0 ? "application/grpc+x" : "application/grpc");
            Named(head, "te", "trailers");
        }
        if (random.Next(10) == 0)
            Named(head, "x-odd", new string((char)random.Next(32, 256), random.Next(1, 90)));
        var hasBody = isCall || random.Next(8) == 0;
        var frames = new List<byte>();
        frames.AddRange(Frame(Headers, (byte)(EndHeaders | (hasBody ? 0 : EndStream)), _stream, [.. head]));
        if (hasBody)
        {
            var message = new byte[random.Next(40)];
            random.NextBytes(message);
            byte[] body = [0, 0, 0, 0, (byte)(random.Next(6) == 0 ? 200 : message.Length), .. message];
            frames.AddRange(Frame(Data, EndStream, _stream, body));
        }
        if (random.Next(50) == 0)
            frames.AddRange(Frame(Reset, 0, _stream, [0, 0, 0, 8]));
        return [.. frames];
    }

    private byte[] Odd()
    {
        var payload = new byte[random.Next(20)];
        random.NextBytes(payload);
        return Frame((byte)random.Next(12), (byte)random.Next(256), random.Next(-1, _stream + 4), payload);
    }

    private byte[] Damaged(byte[] frames)
    {
        frames[random.Next(frames.Length)] = (byte)random.Next(256);
        return frames;
    }

    // Without indexing, with a name from the static table.
    private static void Literal(List<byte> head, byte name, string value)
    {
        if (name < 15)
        {
            head.Add(name);
        }
        else
        {
            head.Add(15);
            head.Add((byte)(name - 15));
        }
        Text(head, value);
    }

    private static void Named(List<byte> head, string name, string value)
    {
        head.Add(0);
        Text(head, name);
        Text(head, value);
    }

    private static void Text(List<byte> head, string text)
    {
        head.Add((byte)text.Length);
        head.AddRange(Encoding.Latin1.GetBytes(text));
    }

    private static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }
}
