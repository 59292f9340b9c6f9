using System.Net;
using Souk.Tests.Harness;
using Souk.Tests.Sidecar;

namespace Souk.Tests.Scripts;

/// <summary><c>scripts/sidecar.sh</c>, by which a conformance harness starts the runtime.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class SidecarScriptTests
{
    private static readonly HttpClient Http = new();

    [Test]
    public async Task Serve_NoPostgresInTheEnvironment_HasWorkflowsAllTheSame()
    {
        await using var set = BackendSet.Of("sidecar-script");
        using var resources = new TemporaryFolder();
        resources.Write(
            "store.yaml",
            Yaml.Component("store", "state.in-memory", "v1", Yaml.Item("actorStateStore", "true"))
        );
        var port = FreePorts.One();
        await using var sidecar = new KillableProcess(
            set.Script("sidecar.sh"),
            "serve",
            "--app-id=alone",
            $"--dapr-http-port={port}",
            "--dapr-grpc-port=0",
            $"--resources-path={resources.FullName}"
        );
        sidecar.Start(set.Settings);
        await Ports.UntilOpenAsync(port);

        using var started = await Http.PostAsync(
            $"http://127.0.0.1:{port}/v1.0/workflows/dapr/Anything/start?instanceID=first",
            null
        );
        Assert.That(started.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), sidecar.Output);
    }
}
