using Microsoft.Extensions.Logging;
using Souk.Sidecar;
using Souk.Sidecar.Components;
using Souk.Sidecar.Files;
using Souk.Sidecar.State;

namespace Souk.Tests.Sidecar;

/// <summary>Run files, values and addresses: what is read, and how a mistake is told.</summary>
internal sealed class FilesTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("souk-files-").FullName;

    [TearDown]
    public void DropFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void RunFile_CommonAndApp_AppWins()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "cart"));
        Directory.CreateDirectory(Path.Combine(_folder, "components"));
        var run = Read(
            """
            version: 1
            name: souk
            common:
              resourcesPaths: [./components]
              appProtocol: grpc
              env: { A: common, B: common }
              somethingNew: { x: 1 }
            apps:
              - appDirPath: ./cart
                appPort: 5104
                daprGRPCPort: 5204
                env: { B: app, C: 7 }
                command: [dotnet, Cart.dll, --flag]
            """
        );
        var app = run.Apps.Single();
        Assert.Multiple(() =>
        {
            Assert.That(run.Name, Is.EqualTo("souk"));
            Assert.That(app.AppId, Is.EqualTo("cart"));
            Assert.That(app.Directory, Is.EqualTo(Path.Combine(_folder, "cart")));
            Assert.That((app.AppPort, app.GrpcPort, app.HttpPort), Is.EqualTo((5104, 5204, 0)));
            Assert.That(app.Protocol, Is.EqualTo("grpc"));
            Assert.That(app.Command, Is.EqualTo(new[] { "dotnet", "Cart.dll", "--flag" }));
            Assert.That(app.ResourcesPaths, Is.EqualTo(new[] { Path.Combine(_folder, "components") }));
            Assert.That(
                app.Environment["A"] + app.Environment["B"] + app.Environment["C"],
                Is.EqualTo("commonapp7")
            );
        });
    }

    [Test]
    public void RunFile_SharedFields_AreTheCommonOnesUnlessTheAppHasItsOwn()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "cart"));
        foreach (var config in new[] { "config.yaml", "cart/config.yaml" })
            File.WriteAllText(Path.Combine(_folder, config), "kind: Configuration\n");
        var run = Read(
            """
            version: 1
            common:
              configFilePath: ./config.yaml
              logLevel: warn
              apiListenAddresses: 127.0.0.1,127.0.0.2
              appMaxConcurrency: 5
              maxBodySize: 1Mi
              readBufferSize: 8Ki
              appSSL: true
              enableAppHealthCheck: true
              appHealthCheckPath: /well
              appHealthProbeInterval: 3
              appHealthProbeTimeout: 70
              appHealthThreshold: 2
              appLogDestination: console
            apps:
              - { appID: one, appDirPath: ./cart }
              - appID: two
                appDirPath: ./cart
                configFilePath: ./config.yaml
                appMaxConcurrency: 6
                maxBodySize: 2Mi
                readBufferSize: 16Ki
                appSSL: false
                appHealthCheckPath: /fine
                appHealthThreshold: 9
                appLogDestination: file
            """
        );
        var (one, two) = (run.Apps[0], run.Apps[1]);
        var health = new AppHealthCheck
        {
            Path = "/well",
            Interval = TimeSpan.FromSeconds(3),
            Timeout = TimeSpan.FromMilliseconds(70),
            Threshold = 2,
        };
        Assert.Multiple(() =>
        {
            Assert.That(run.LogLevel, Is.EqualTo(LogLevel.Warning));
            Assert.That(run.ListenAddresses, Is.EqualTo(new[] { "127.0.0.1", "127.0.0.2" }));
            Assert.That((one.MaxConcurrency, two.MaxConcurrency), Is.EqualTo((5, 6)));
            Assert.That((one.MaxBodyBytes, two.MaxBodyBytes), Is.EqualTo((1 << 20, 2 << 20)));
            Assert.That((one.MaxHeaderBytes, two.MaxHeaderBytes), Is.EqualTo((8 << 10, 16 << 10)));
            Assert.That((one.Protocol, two.Protocol), Is.EqualTo(("https", "http")));
            Assert.That(one.HealthCheck, Is.EqualTo(health));
            Assert.That(two.HealthCheck, Is.EqualTo(health with { Path = "/fine", Threshold = 9 }));
            Assert.That(
                (one.AppLogs, two.AppLogs),
                Is.EqualTo((LogDestination.Console, LogDestination.File))
            );
            Assert.That(one.ConfigFiles, Is.EqualTo(new[] { Path.Combine(_folder, "config.yaml") }));
            Assert.That(two.ConfigFiles, Is.EqualTo(new[] { Path.Combine(_folder, "cart", "config.yaml") }));
        });
    }

    [Test]
    public void RunFile_FoldersAndConfigs_OwnThenDotDaprThenCommon()
    {
        foreach (
            var folder in new[] { "own/mine", "own/.dapr/resources", "beside/.dapr/resources", "bare", "all" }
        )
            Directory.CreateDirectory(Path.Combine(_folder, folder));
        foreach (
            var config in new[]
            {
                "own/mine.yaml",
                "own/.dapr/config.yaml",
                "beside/.dapr/config.yaml",
                "all.yaml",
            }
        )
            File.WriteAllText(Path.Combine(_folder, config), "kind: Configuration\n");
        var run = Read(
            """
            version: 1
            common: { resourcesPaths: [all], configFilePath: all.yaml }
            apps:
              - { appDirPath: own, resourcesPaths: [mine], resourcesPath: ., configFilePath: mine.yaml }
              - { appDirPath: beside }
              - { appDirPath: bare }
            """
        );
        string[] Relative(IReadOnlyList<string> paths) =>
            [.. paths.Select(path => Path.GetRelativePath(_folder, path))];
        Assert.That(
            run.Apps.Select(app => Relative(app.ResourcesPaths)),
            Is.EqualTo(
                new[]
                {
                    // The older name for one folder adds to the list.
                    new[] { "own/mine", "own" },
                    new[] { "beside/.dapr/resources" },
                    new[] { "all" },
                }
            )
        );
        Assert.That(
            run.Apps.Select(app => Relative(app.ConfigFiles).Single()),
            Is.EqualTo(new[] { "own/mine.yaml", "beside/.dapr/config.yaml", "all.yaml" })
        );
    }

    [TestCase("apps: []", 1, "version is required")]
    [TestCase("version: 2\napps: []", 1, "version must be 1")]
    [TestCase("version: 1\napps: []", 2, "apps must name at least one app")]
    [TestCase("version: 1\napps:\n  - appID: a", 3, "apps[0].appDirPath is required")]
    [TestCase("version: 1\napps:\n  - appDirPath: ./nowhere", 3, "does not exist")]
    [TestCase(
        "version: 1\napps:\n  - appDirPath: .\n    appPort: many",
        4,
        "apps[0].appPort must be a whole number"
    )]
    [TestCase("version: 1\napps:\n  - appDirPath: .\n    appPort: 70000", 4, "from 0 to 65535")]
    [TestCase(
        "version: 1\napps:\n  - appDirPath: .\n    appProtocol: soap",
        4,
        "apps[0].appProtocol must be one of"
    )]
    [TestCase(
        "version: 1\napps:\n  - appDirPath: .\n    command: dotnet run",
        4,
        "apps[0].command must be a list"
    )]
    [TestCase("version: 1\napps:\n  - appDirPath: .\n    env: [A]", 4, "apps[0].env must be a mapping")]
    [TestCase(
        "version: 1\napps:\n  - {appID: a, appDirPath: .}\n  - {appID: a, appDirPath: .}",
        4,
        "apps[1].appID is 'a', as another app's is"
    )]
    [TestCase(
        "version: 1\napps:\n  - {appID: a, appDirPath: ., appPort: 7}\n"
            + "  - {appID: b, appDirPath: ., appPort: 7}",
        4,
        "apps[1].appPort is 7, which is the appPort of 'a'"
    )]
    [TestCase("version: 1\napps: [\n", 3, "While parsing")]
    public void RunFile_Mistake_NamesFileLineAndField(string text, int line, string problem)
    {
        var error = Assert.Throws<ConfigException>(() => Read(text));
        Assert.That(error.Message, Does.StartWith($"{Path.Combine(_folder, "dapr.yaml")}:{line}: "));
        Assert.That(error.Message, Does.Contain(problem));
    }

    [Test]
    public void Resources_MutilatedFiles_AreReadOrRefusedAndNothingElse()
    {
        const string Whole = """
            kind: Component
            metadata: { name: store, namespace: "a" }
            spec:
              type: state.redis
              metadata:
                - { name: redisHost, value: 'x:1' }
                - name: text
                  value: |
                    several
                    lines
            scopes: [a, b]
            ---
            kind: Subscription
            metadata: { name: s }
            spec: { pubsubname: p, topic: t, routes: { rules: [{ match: "event.a == 1", path: /a }] } }
            """;
        const string Marks = "[]{}:-,&*!|>'\"%@`#? \n\t\0~";
        var random = new Random(7);
        var file = Path.Combine(_folder, "some.yaml");
        var refused = 0;
        for (var i = 0; i < 2000; i++)
        {
            var text = new System.Text.StringBuilder(Whole);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(text.Length);
                if (random.Next(3) == 0)
                    text.Length = at;
                else
                    text.Insert(at, Marks[random.Next(Marks.Length)]);
                if (text.Length == 0)
                    break;
            }
            File.WriteAllText(file, text.ToString());
            try
            {
                ResourceFiles.Load([_folder], "");
            }
            catch (ConfigException e)
            {
                Assert.That(e.Message, Does.Match(@"some\.yaml:\d+: "), text.ToString());
                refused++;
            }
        }
        Assert.That(refused, Is.InRange(500, 1999));
    }

    [TestCase("5s", 5000)]
    [TestCase("1m30s", 90_000)]
    [TestCase("1.5h", 5_400_000)]
    [TestCase("250ms", 250)]
    [TestCase("-1s", -1000)]
    [TestCase("7", 7000)]
    [TestCase("0", 0)]
    public void Duration_GoSpelling_IsRead(string text, double milliseconds)
    {
        Assert.That(GoValues.TryDuration(text, TimeSpan.FromSeconds(1), out var value));
        Assert.That(value.TotalMilliseconds, Is.EqualTo(milliseconds).Within(0.001));
    }

    [TestCase("")]
    [TestCase("soon")]
    [TestCase("5 parsecs")]
    [TestCase("s")]
    [TestCase("1s2")]
    public void Duration_Nonsense_IsRefused(string text) =>
        Assert.That(GoValues.TryDuration(text, TimeSpan.FromSeconds(1), out _), Is.False);

    [TestCase("postgres://me:p%40ss@db:5433/souk?sslmode=disable")]
    [TestCase("host=db port=5433 user=me password='p@ss' dbname=souk sslmode=disable")]
    [TestCase("Host=db;Port=5433;Username=me;Password=p@ss;Database=souk;SSL Mode=Disable")]
    public void PostgresAddress_EachSpelling_MeansTheSame(string text)
    {
        var address = PostgresAddress.Parse(text);
        Assert.That(
            (address.Host, address.Port, address.Username, address.Password, address.Database),
            Is.EqualTo(("db", 5433, "me", "p@ss", "souk"))
        );
        Assert.That(address.SslMode, Is.EqualTo(Npgsql.SslMode.Disable));
    }

    [TestCase("host", "db")]
    [TestCase("hostaddr", "127.0.0.2")]
    public void PostgresAddress_InParts_MeansTheSame(string name, string host)
    {
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            [name] = host,
            ["port"] = "5433",
            ["user"] = "me",
            ["password"] = "p@ss",
            ["database"] = "souk",
            ["sslRootCert"] = "/etc/root.pem",
        };
        var spec = new ComponentSpec
        {
            Name = "store",
            Type = "state.postgresql",
            Version = "v2",
            File = "store.yaml",
            Line = 1,
            Lines = new Dictionary<string, long>(),
            Metadata = parts,
        };
        var address = new Npgsql.NpgsqlConnectionStringBuilder(
            PostgresAddress.Of(spec, TimeSpan.FromSeconds(20))
        );
        Assert.That(
            (address.Host, address.Port, address.Username, address.Password, address.Database),
            Is.EqualTo((host, 5433, "me", "p@ss", "souk"))
        );
        Assert.That(address.RootCertificate, Is.EqualTo("/etc/root.pem"));
    }

    [Test]
    public void RetryPolicy_Constant_WaitsTheSameAndGivesUp()
    {
        var policy = new RetryPolicy(false, TimeSpan.FromSeconds(2), TimeSpan.Zero, 2);
        Assert.That(policy.DelayBefore(1, TimeSpan.Zero, 0.5), Is.EqualTo(TimeSpan.FromSeconds(2)));
        Assert.That(policy.DelayBefore(2, TimeSpan.FromHours(9), 0.5), Is.EqualTo(TimeSpan.FromSeconds(2)));
        Assert.That(policy.DelayBefore(3, TimeSpan.Zero, 0.5), Is.Null);
    }

    [Test]
    public void RetryPolicy_Exponential_GrowsToItsCapAndEndsAfterAQuarterOfAnHour()
    {
        var policy = new RetryPolicy(true, TimeSpan.Zero, TimeSpan.FromSeconds(5), -1);
        Assert.That(policy.DelayBefore(1, TimeSpan.Zero, 0.5), Is.EqualTo(TimeSpan.FromMilliseconds(500)));
        Assert.That(policy.DelayBefore(2, TimeSpan.Zero, 0.5), Is.EqualTo(TimeSpan.FromMilliseconds(750)));
        Assert.That(policy.DelayBefore(500, TimeSpan.Zero, 0), Is.EqualTo(TimeSpan.FromSeconds(2.5)));
        Assert.That(policy.DelayBefore(500, TimeSpan.FromMinutes(16), 0), Is.Null);
    }

    private RunFile Read(string text)
    {
        var file = Path.Combine(_folder, "dapr.yaml");
        File.WriteAllText(file, text);
        return RunFile.Load(file);
    }
}
