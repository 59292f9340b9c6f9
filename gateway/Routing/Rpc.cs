using Google.Api;
using Google.Protobuf.Reflection;
using Souk.Gateway.Transcoding;
using Souk.Options.V1;
using Souk.Shared;

namespace Souk.Gateway.Routing;

/// <summary>One RPC as the gateway calls it.</summary>
internal sealed class Rpc
{
    public Rpc(MethodDescriptor method, PlanCompiler plans)
    {
        Name = method.Name;
        Service = method.Service.FullName;
        Path = $"/{method.Service.FullName}/{method.Name}";
        AppId = AppIdOf(method.Service.File.Package);
        Input = plans.Compile(method.InputType);
        Output = plans.Compile(method.OutputType);
        IsServerStreaming = method.IsServerStreaming;
        IsClientStreaming = method.IsClientStreaming;
        var rule = method.GetOptions()?.GetExtension(AnnotationsExtensions.Http);
        IsExposed = rule is not null;
        IsSafe = rule is { PatternCase: HttpRule.PatternOneofCase.Get } && !IsClientStreaming;
        Access = method.GetOptions()?.GetExtension(OptionsExtensions.Access);
        Roles = RolesOf(Access);
        Traffic = Traffic.Of(method, IsSafe);
        Descriptor = method;
        HeaderFields =
        [
            .. Input.Fields.Where(field => field.Header is not null).Select(field => new HeaderField(field)),
        ];
        PositionIn = Input.Fields.FirstOrDefault(field => field.IsPosition) is { } position
            ? FieldPath.Find(Input, position.Name)
            : null;
        PositionOut = Output.Fields.FirstOrDefault(field => field.IsPosition);
        ResponseHeaders = [.. Output.Fields.Where(field => field.Header is not null)];
    }

    public MethodDescriptor Descriptor { get; }

    /// <summary>The RPC's name, unique in the repository.</summary>
    public string Name { get; }

    /// <summary>The service's full name.</summary>
    public string Service { get; }

    /// <summary>The HTTP/2 path of the call.</summary>
    public string Path { get; }

    /// <summary>The app that serves it: the domain in its package's name.</summary>
    public string AppId { get; }
    public MessagePlan Input { get; }
    public MessagePlan Output { get; }
    public bool IsServerStreaming { get; }
    public bool IsClientStreaming { get; }
    public bool IsStream => IsClientStreaming || IsServerStreaming;

    /// <summary>
    /// Whether the world may know of it: it has an http rule. All others are the mesh's own.
    /// </summary>
    public bool IsExposed { get; }

    /// <summary>Whether repeating it changes nothing, so that a lost call may be made again.</summary>
    public bool IsSafe { get; }

    /// <summary>Who may call; null refuses everybody.</summary>
    public Access? Access { get; }

    public bool IsPublic => Access is { Public: true };

    /// <summary>The roles that may call.</summary>
    public RoleSet Roles { get; }

    /// <summary>How its calls are treated.</summary>
    public Traffic Traffic { get; }

    /// <summary>Request fields that come as HTTP headers.</summary>
    public HeaderField[] HeaderFields { get; }

    /// <summary>Fields of the reply that HTTP headers repeat.</summary>
    public FieldPlan[] ResponseHeaders { get; }

    /// <summary>The field of the request after whose position a stream continues.</summary>
    public FieldPath? PositionIn { get; }

    /// <summary>The field that says where in a stream a message is.</summary>
    public FieldPlan? PositionOut { get; }

    // ADMIN may call whatever OPERATOR may.
    private static RoleSet RolesOf(Access? access)
    {
        var roles = RoleSet.Of([.. access?.Roles ?? []]);
        return roles.Contains(Role.Operator) ? roles.With(RoleSet.Of(Role.Admin)) : roles;
    }

    // souk.catalog.v1 is served by catalog.
    private static string AppIdOf(string package) =>
        package.Split('.') is [_, var domain, ..] ? domain : package;
}
