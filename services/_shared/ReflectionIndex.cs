using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;

namespace Souk.Shared;

/// <summary>
/// The contracts of a process as answers to reflection's questions, all worked out at start.
/// </summary>
public sealed class ReflectionIndex
{
    private readonly Dictionary<string, FileDescriptor> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Type, int Number), FileDescriptor> _extensions = [];
    private readonly Dictionary<string, ByteString> _contents = new(StringComparer.Ordinal);
    private readonly ListServiceResponse _services = new();

    private ReflectionIndex(IEnumerable<string> services) =>
        _services.Service.AddRange(
            services.Order(StringComparer.Ordinal).Select(name => new ServiceResponse { Name = name })
        );

    /// <summary>The index of the services that a process serves.</summary>
    public static ReflectionIndex Of(IEnumerable<ServiceDescriptor> services) =>
        Of([.. services], file => file.SerializedData);

    /// <summary>The index of services, where a file is told as <paramref name="content"/> has it.</summary>
    /// <param name="content">Null hides a file.</param>
    public static ReflectionIndex Of(
        IReadOnlyCollection<ServiceDescriptor> services,
        Func<FileDescriptor, ByteString?> content
    )
    {
        var index = new ReflectionIndex(services.Select(service => service.FullName));
        foreach (var service in services)
            index.Add(service.File, content);
        return index;
    }

    /// <summary>The answer to one question.</summary>
    public ServerReflectionResponse Answer(ServerReflectionRequest request)
    {
        var response = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                response.ListServicesResponse = _services;
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                Tell(response, _files.GetValueOrDefault(request.FileByFilename));
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                Tell(response, _symbols.GetValueOrDefault(request.FileContainingSymbol));
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension:
                var extension = request.FileContainingExtension;
                var key = (extension.ContainingType, extension.ExtensionNumber);
                Tell(response, _extensions.GetValueOrDefault(key));
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType:
                TellNumbers(response, request.AllExtensionNumbersOfType);
                break;
            default:
                Refuse(response, StatusCode.InvalidArgument, "Nothing is asked.");
                break;
        }
        return response;
    }

    private void Tell(ServerReflectionResponse response, FileDescriptor? file)
    {
        if (file is null)
        {
            Refuse(response, StatusCode.NotFound, "There is nothing of this name.");
            return;
        }
        var told = new HashSet<string>(StringComparer.Ordinal);
        response.FileDescriptorResponse = new FileDescriptorResponse();
        Collect(file, told, response.FileDescriptorResponse);
    }

    private void Collect(FileDescriptor file, HashSet<string> told, FileDescriptorResponse response)
    {
        if (!told.Add(file.Name) || !_contents.TryGetValue(file.Name, out var content))
            return;
        response.FileDescriptorProto.Add(content);
        foreach (var imported in file.Dependencies)
            Collect(imported, told, response);
    }

    private void TellNumbers(ServerReflectionResponse response, string type)
    {
        if (!_symbols.ContainsKey(type))
        {
            Refuse(response, StatusCode.NotFound, "There is no message of this name.");
            return;
        }
        var numbers = new ExtensionNumberResponse { BaseTypeName = type };
        numbers.ExtensionNumber.AddRange(
            _extensions.Keys.Where(key => key.Type == type).Select(key => key.Number)
        );
        response.AllExtensionNumbersResponse = numbers;
    }

    private static void Refuse(ServerReflectionResponse response, StatusCode code, string message) =>
        response.ErrorResponse = new ErrorResponse { ErrorCode = (int)code, ErrorMessage = message };

    private void Add(FileDescriptor file, Func<FileDescriptor, ByteString?> content)
    {
        if (_files.ContainsKey(file.Name) || content(file) is not { } bytes)
            return;
        _files.Add(file.Name, file);
        _contents.Add(file.Name, bytes);
        AddSymbols(file, FileDescriptorProto.Parser.ParseFrom(bytes));
        foreach (var imported in file.Dependencies)
            Add(imported, content);
    }

    private void AddSymbols(FileDescriptor file, FileDescriptorProto proto)
    {
        var prefix = proto.Package.Length == 0 ? "" : $"{proto.Package}.";
        foreach (var service in proto.Service)
        {
            _symbols[$"{prefix}{service.Name}"] = file;
            foreach (var method in service.Method)
                _symbols[$"{prefix}{service.Name}.{method.Name}"] = file;
        }
        foreach (var message in proto.MessageType)
            AddMessage(file, prefix, message);
        foreach (var kind in proto.EnumType)
            AddEnum(file, prefix, kind);
        AddExtensions(file, prefix, proto.Extension);
    }

    private void AddMessage(FileDescriptor file, string prefix, DescriptorProto message)
    {
        var name = $"{prefix}{message.Name}";
        _symbols[name] = file;
        foreach (var field in message.Field)
            _symbols[$"{name}.{field.Name}"] = file;
        foreach (var oneof in message.OneofDecl)
            _symbols[$"{name}.{oneof.Name}"] = file;
        foreach (var nested in message.NestedType)
            AddMessage(file, $"{name}.", nested);
        foreach (var kind in message.EnumType)
            AddEnum(file, $"{name}.", kind);
        AddExtensions(file, $"{name}.", message.Extension);
    }

    // The values of an enum belong to whatever the enum belongs to.
    private void AddEnum(FileDescriptor file, string prefix, EnumDescriptorProto kind)
    {
        _symbols[$"{prefix}{kind.Name}"] = file;
        foreach (var value in kind.Value)
            _symbols[$"{prefix}{value.Name}"] = file;
    }

    private void AddExtensions(
        FileDescriptor file,
        string prefix,
        IEnumerable<FieldDescriptorProto> extensions
    )
    {
        foreach (var extension in extensions)
        {
            _symbols[$"{prefix}{extension.Name}"] = file;
            _extensions[(extension.Extendee.TrimStart('.'), extension.Number)] = file;
        }
    }
}
