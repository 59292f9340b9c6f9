using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Souk.Sidecar.Invoke;

/// <summary>
/// How sidecars of several processes on one machine find each other's apps: a file per app in a folder that
/// all of them know, which names the port for calls between sidecars. Takes the place of Dapr's mDNS.
/// </summary>
internal sealed class Peers(string? folder, TimeProvider clock) : IDisposable
{
    private const UnixFileMode OwnerOnly =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly TimeSpan Freshness = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, (DateTimeOffset Read, string[] Addresses)> _found = new(
        StringComparer.Ordinal
    );
    private readonly List<string> _own = [];
    private int _next;

    /// <summary>Where the environment, or failing that the system's folder for such files, says.</summary>
    public static string DefaultFolder =>
        Environment.GetEnvironmentVariable("SOUK_SIDECARS") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Path.GetTempPath(), $"souk-sidecars-{Environment.UserName}");

    /// <summary>Tells the others where this process serves an app.</summary>
    public void Announce(string appId, int port)
    {
        if (folder is null)
            return;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, OwnerOnly);
        var file = Path.Combine(folder, $"{NameOf(appId)}@{Environment.ProcessId}");
        // Written aside and moved, so that nobody reads half of it.
        var draft = Path.Combine(folder, $".{Path.GetFileName(file)}");
        File.WriteAllText(draft, string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        File.Move(draft, file, overwrite: true);
        _own.Add(file);
    }

    /// <summary>The address of a sidecar of the app, in turn if there are several; null for none.</summary>
    public string? Find(string appId)
    {
        if (folder is null)
            return null;
        var dot = appId.IndexOf('.', StringComparison.Ordinal);
        var plain = dot > 0 ? appId[..dot] : appId;
        if (!_found.TryGetValue(plain, out var known) || clock.GetUtcNow() - known.Read > Freshness)
        {
            known = (clock.GetUtcNow(), Read(folder, plain));
            if (known.Addresses.Length > 0)
                _found[plain] = known;
            else
                _found.TryRemove(plain, out _);
        }
        return known.Addresses.Length == 0
            ? null
            : known.Addresses[(uint)Interlocked.Increment(ref _next) % known.Addresses.Length];
    }

    public void Dispose()
    {
        foreach (var file in _own)
            File.Delete(file);
        _own.Clear();
    }

    private static string[] Read(string folder, string appId)
    {
        if (!Directory.Exists(folder))
            return [];
        var addresses = new List<string>();
        foreach (var file in Directory.EnumerateFiles(folder, NameOf(appId) + "@*"))
        {
            var pid = Path.GetFileName(file)[(NameOf(appId).Length + 1)..];
            if (!IsAlive(pid))
                File.Delete(file);
            else if (TryRead(file) is { } address)
                addresses.Add(address);
        }
        return [.. addresses];
    }

    private static string? TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (IOException)
        {
            // Its sidecar has just stopped.
            return null;
        }
    }

    private static bool IsAlive(string pid)
    {
        if (!int.TryParse(pid, CultureInfo.InvariantCulture, out var id))
            return false;
        try
        {
            using var process = Process.GetProcessById(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static string NameOf(string appId) => Uri.EscapeDataString(appId);
}
