using System.Text;
using static Souk.Tests.Gateway.Http2Frames;

namespace Souk.Tests.Gateway.Fuzz;

/// <summary>
/// HTTP/2 from a seed: real requests and gRPC calls among frames that are odd, damaged or out of place.
/// </summary>
internal sealed class FuzzFrames(Random random)
{
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
}
