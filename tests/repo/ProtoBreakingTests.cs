using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Souk.Tests.Repo;

/// <summary>
/// A contract only grows inside a version: whoever was built against the last release (protos/baseline.binpb)
/// can still talk to this build, in binary and in JSON. `make release` moves the baseline.
/// </summary>
internal sealed class ProtoBreakingTests
{
    private const string Baseline = "protos/baseline.binpb";

    [Test]
    public void Contracts_AgainstTheLastRelease_OnlyGrow()
    {
        if (Environment.GetEnvironmentVariable("SOUK_UPDATE") == "baseline")
            File.WriteAllBytes(RepoFiles.FullPath(Baseline), WithoutComments(Contracts.Bytes));
        var released = Contracts.Parse(File.ReadAllBytes(RepoFiles.FullPath(Baseline)));
        Rule.Holds(
            Messages(released).Concat(Enums(released)).Concat(Rpcs(released)),
            "This breaks callers of the last release: add beside it, or make a v2 package."
        );
    }

    private static IEnumerable<string> Messages(IEnumerable<FileDescriptorProto> released)
    {
        foreach (var (name, old) in AllMessages(released))
        {
            if (!Contracts.Messages.TryGetValue(name, out var now))
            {
                yield return $"{name}: the message is gone";
                continue;
            }
            foreach (var field in old.Field)
            {
                if (now.Field.SingleOrDefault(other => other.Number == field.Number) is not { } same)
                {
                    if (!IsReserved(now, field))
                        yield return $"{name}.{field.Name}: gone, and its number or name is not reserved";
                }
                else if (Shape(old, field) != Shape(now, same))
                    yield return $"{name}: {Shape(old, field)} became {Shape(now, same)}";
            }
        }
    }

    private static IEnumerable<string> Enums(IEnumerable<FileDescriptorProto> released) =>
        from file in released
        from old in file.EnumType
        let name = $"{file.Package}.{old.Name}"
        from value in old.Value
        let now = Contracts
            .Enums.GetValueOrDefault(name)
            ?.Value.FirstOrDefault(other => other.Number == value.Number)
        where now?.Name != value.Name
        select $"{name}.{value.Name} = {value.Number}: became {now?.Name ?? "nothing"}";

    private static IEnumerable<string> Rpcs(IEnumerable<FileDescriptorProto> released)
    {
        var now = Contracts.Rpcs.ToDictionary(rpc => rpc.ToString());
        foreach (
            var old in from file in released
            from service in file.Service
            from method in service.Method
            select new Rpc(file, service, method)
        )
        {
            if (!now.TryGetValue(old.ToString(), out var same))
            {
                yield return $"{old}: the RPC is gone";
                continue;
            }
            if ((old.Input, old.Output, Streams(old)) != (same.Input, same.Output, Streams(same)))
                yield return $"{old}: its messages changed";
            foreach (var route in old.Routes.Except(same.Routes))
                yield return $"{old}: {route} is gone";
        }
    }

    // Everything that either encoding shows: number, type, label, JSON name, membership of a oneof.
    private static string Shape(DescriptorProto message, FieldDescriptorProto field)
    {
        var oneof =
            field.HasOneofIndex && !field.Proto3Optional ? message.OneofDecl[field.OneofIndex].Name : "";
        var type = $"{field.Label} {field.Type} {field.TypeName}";
        return $"{type} {field.Name} {field.JsonName} = {field.Number} {oneof}".TrimEnd();
    }

    private static bool IsReserved(DescriptorProto message, FieldDescriptorProto field) =>
        message.ReservedName.Contains(field.Name)
        && message.ReservedRange.Any(range => field.Number >= range.Start && field.Number < range.End);

    private static IEnumerable<(string, DescriptorProto)> AllMessages(
        IEnumerable<FileDescriptorProto> files
    ) =>
        from file in files
        from message in file.MessageType
        from pair in Contracts.Nested(file.Package, message)
        select pair;

    private static (bool, bool) Streams(Rpc rpc) => (rpc.Method.ClientStreaming, rpc.Method.ServerStreaming);

    private static byte[] WithoutComments(byte[] set)
    {
        var files = FileDescriptorSet.Parser.ParseFrom(set);
        foreach (var file in files.File)
            file.SourceCodeInfo = null;
        return files.ToByteArray();
    }
}
