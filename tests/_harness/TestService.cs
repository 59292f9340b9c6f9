using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Souk.Shared;

namespace Souk.Tests.Harness;

/// <summary>A running service of a <see cref="TestMesh"/>.</summary>
internal sealed class TestService(string appId, WebApplication app, TestDatabase database) : IAsyncDisposable
{
    internal string AppId => appId;

    /// <summary>Where it listens.</summary>
    internal string Address => app.Urls.First();

    internal ServiceSettings Settings => database.Settings;

    internal Db Db => Get<Db>();

    /// <summary>A part of the service.</summary>
    internal T Get<T>()
        where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>Runs a job once, as its timer would.</summary>
    internal async Task RunJobAsync<T>()
        where T : BackgroundJob
    {
        while (await Get<T>().RunOnceAsync(CancellationToken.None)) { }
    }

    /// <summary>Stops it as a signal would: calls in flight are answered first.</summary>
    internal Task StopAsync() => app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
        await database.DisposeAsync();
    }
}
