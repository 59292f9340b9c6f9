using Souk.Gateway.Caching;
using Souk.Tests.Harness;

namespace Souk.Tests.Gateway;

/// <summary>Remembered replies: who gets them, what they are told apart by, what ends them.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class OutputCacheTests
{
    private readonly ManualTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private GatewayHarness _gateway = null!;

    [SetUp]
    public async Task Start()
    {
        _gateway = await GatewayHarness.StartAsync(clock: _clock);
        _gateway.Part<OutputCache>().Listen();
    }

    [TearDown]
    public async Task Stop() => await _gateway.DisposeAsync();

    [Test]
    [Description("X-18")]
    public async Task GetPage_AskedAgain_ComesFromMemoryWithItsAge()
    {
        var first = await Get("/api/v1/pages/1");
        Assert.That(first.Header("Cache-Control"), Is.EqualTo("public, max-age=7"));
        Assert.That(first.Header("Cache-Status"), Is.EqualTo("souk; fwd=uri-miss"));
        _clock.Advance(TimeSpan.FromSeconds(3));
        var second = await Get("/api/v1/pages/1");
        Assert.That(second.Header("Cache-Status"), Is.EqualTo("souk; hit"));
        Assert.That(second.Header("Age"), Is.EqualTo("3"));
        Assert.That(second.Header("ETag"), Is.EqualTo(first.Header("ETag")));
        Assert.That(second.Body, Is.EqualTo(first.Body));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(1));
        // Another spelling of the same request.
        Assert.That((await Get("/api/v1/pages/%31")).Header("Cache-Status"), Is.EqualTo("souk; hit"));
    }

    [Test]
    [Description("X-18")]
    public async Task GetPage_KnownTag_Is304FromMemory()
    {
        var first = await Get("/api/v1/pages/1");
        var again = await Get("/api/v1/pages/1", ("If-None-Match", first.Header("ETag")));
        Assert.That((again.Status, again.Body), Is.EqualTo((304, "")));
        Assert.That(again.Header("Cache-Control"), Is.EqualTo("public, max-age=7"));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(1));
    }

    [Test]
    [Description("X-18")]
    public async Task GetPage_ItsTimeIsOver_IsAskedForAnew()
    {
        await Get("/api/v1/pages/1");
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.That((await Get("/api/v1/pages/1")).Header("Cache-Status"), Is.EqualTo("souk; fwd=uri-miss"));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(2));
    }

    [Test]
    [Description("X-17")]
    public async Task GetPage_NobodyTellsOfChanges_IsKeptForFiveSecondsOnly()
    {
        await using var deaf = await GatewayHarness.StartAsync(clock: _clock);
        await deaf.SendAsync("GET", "/api/v1/pages/1");
        _clock.Advance(TimeSpan.FromSeconds(5));
        await deaf.SendAsync("GET", "/api/v1/pages/1");
        Assert.That(deaf.Traffic.Calls, Is.EqualTo(2));
    }

    [Test]
    [Description("X-18, X-33")]
    public async Task GetPage_LanguageAndEncoding_AreToldApart()
    {
        var german = await Get("/api/v1/pages/1", ("Accept-Language", "de"));
        var english = await Get("/api/v1/pages/1", ("Accept-Language", "en"));
        Assert.That((string?)german.Json["language"], Is.EqualTo("de"));
        Assert.That((string?)english.Json["language"], Is.EqualTo("en"));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(2));
        Assert.That(german.Header("Vary"), Does.Contain("Accept-Language").And.Contain("Accept-Encoding"));
        var packed = await Get("/api/v1/pages/1", ("Accept-Language", "de"), ("Accept-Encoding", "br"));
        Assert.That(packed.Header("Content-Encoding"), Is.EqualTo("br"));
        Assert.That(packed.Header("Cache-Status"), Is.EqualTo("souk; hit"));
        var plain = await Get("/api/v1/pages/1", ("Accept-Language", "de"));
        Assert.That(plain.Header("Content-Encoding"), Is.Empty);
    }

    [Test]
    [Description("X-18")]
    public async Task GetPage_CallerWithToken_NeitherReadsNorFillsTheMemory()
    {
        var own = await _gateway.SendAsAsync("buyer", "GET", "/api/v1/pages/1");
        Assert.That(own.Header("Cache-Control"), Does.Contain("private"));
        Assert.That(own.Header("Cache-Status"), Is.Empty);
        await Get("/api/v1/pages/1");
        await _gateway.SendAsAsync("buyer", "GET", "/api/v1/pages/1");
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(3));
    }

    [Test]
    [Description("X-17")]
    public async Task Forget_WhatChanged_LeavesTheRest()
    {
        await Get("/api/v1/pages/1");
        await Get("/api/v1/pages/2");
        await Get("/api/v1/pages?page_size=3");
        _gateway.Traffic.Write();
        _gateway.Part<OutputCache>().Forget("page_id", "1");
        Assert.That((string?)(await Get("/api/v1/pages/1")).Json["text"], Does.StartWith("version 1"));
        Assert.That((string?)(await Get("/api/v1/pages/2")).Json["text"], Does.StartWith("version 0"));
        var list = await Get("/api/v1/pages?page_size=3");
        Assert.That((string?)list.Json["pages"]![0]!["text"], Does.StartWith("version 1"));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(5));
    }

    [Test]
    [Description("X-17")]
    public async Task Forget_ThingThatAReplyMentions_DropsTheReply()
    {
        await Get("/api/v1/pages/1");
        _gateway.Part<OutputCache>().Forget("page_id", "related");
        await Get("/api/v1/pages/1");
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(2));
    }

    [Test]
    [Description("X-17")]
    public async Task UpdatePage_ThroughThisGateway_IsSeenAtOnce()
    {
        await Get("/api/v1/pages/1");
        await _gateway.SendAsAsync("seller", "PUT", "/api/v1/pages/1", "{}");
        Assert.That((string?)(await Get("/api/v1/pages/1")).Json["text"], Does.StartWith("version 1"));
    }

    [Test]
    [Description("X-17")]
    public async Task Forget_WhileTheServiceAnswers_KeepsNothingOfThatAnswer()
    {
        _gateway.Traffic.Hold();
        var early = Get("/api/v1/pages/1");
        await UntilCalledAsync(1);
        _gateway.Part<OutputCache>().Forget("page_id", "1");
        _gateway.Traffic.Release();
        await early;
        await Get("/api/v1/pages/1");
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(2));
    }

    [Test]
    [Description("X-16")]
    public async Task GetPage_ManyAtOnce_MakeOneCall()
    {
        _gateway.Traffic.Hold();
        var all = Enumerable.Range(0, 50).Select(_ => Get("/api/v1/pages/1")).ToArray();
        await UntilCalledAsync(1);
        _gateway.Traffic.Release();
        var answers = await Task.WhenAll(all);
        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(200));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(1));
    }

    [Test]
    [Description("X-16")]
    public async Task GetPage_FirstAskerGoesAway_OthersStillGetTheReply()
    {
        _gateway.Traffic.Hold();
        using var leaving = new CancellationTokenSource();
        var first = _gateway.Http.GetAsync("/api/v1/pages/1", leaving.Token);
        await UntilCalledAsync(1);
        var second = Get("/api/v1/pages/1");
        await leaving.CancelAsync();
        Assert.That(async () => await first, Throws.InstanceOf<OperationCanceledException>());
        _gateway.Traffic.Release();
        Assert.That((await second).Status, Is.EqualTo(200));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(1));
    }

    [Test]
    [Description("X-18")]
    public async Task GetPage_Error_IsNotRemembered()
    {
        Assert.That((await Get("/api/v1/pages/gone")).Status, Is.EqualTo(404));
        Assert.That((await Get("/api/v1/pages/gone")).Status, Is.EqualTo(404));
        Assert.That(_gateway.Traffic.Calls, Is.EqualTo(2));
    }

    [Test]
    [Description("X-18")]
    public async Task GetPage_MoreThanFits_ForgetsTheLongestUnused()
    {
        await using var small = await GatewayHarness.StartAsync(
            s => s with { CacheBytesMax = 512 * 1024 },
            _clock
        );
        for (var page = 0; page < 300; page++)
        {
            await small.SendAsync("GET", $"/api/v1/pages/{page}");
            await small.SendAsync("GET", "/api/v1/pages/0");
        }
        var store = small.Part<OutputCache>().Store;
        Assert.That(store.Bytes, Is.GreaterThan(256 * 1024).And.LessThanOrEqualTo(512 * 1024));
        Assert.That(small.Traffic.Calls, Is.EqualTo(300));
        await small.SendAsync("GET", "/api/v1/pages/1");
        Assert.That(small.Traffic.Calls, Is.EqualTo(301));
    }

    private Task<Answer> Get(string path, params (string, string)[] headers) =>
        _gateway.SendAsync("GET", path, null, headers);

    private Task UntilCalledAsync(int calls) => Eventually.ThatAsync(() => _gateway.Traffic.Calls >= calls);
}
