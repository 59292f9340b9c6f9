namespace Grpc.Core;

/// <summary>The release of the official assembly whose place this one takes.</summary>
public static class VersionInfo
{
    /// <summary>The assembly version, which never changes within a major release.</summary>
    public const string CurrentAssemblyVersion = "2.0.0.0";

    /// <summary>The file version.</summary>
    public const string CurrentAssemblyFileVersion = "2.85.0.0";

    /// <summary>The package version.</summary>
    public const string CurrentVersion = "2.85.0";
}
