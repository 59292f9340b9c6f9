using Souk.Tests.Harness;
using Souk.Tests.Sidecar;

namespace Souk.Tests.Scripts;

/// <summary><c>scripts/sidecar.sh</c>, by which a conformance harness starts the runtime.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class SidecarScriptTests
{
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

        using var caller = new HttpCaller(port);
        var started = await caller.SendAsync("POST", "/v1.0/workflows/dapr/Anything/start?instanceID=first");
        Assert.That(started.Status, Is.EqualTo(202), sidecar.Output);
    }
}
