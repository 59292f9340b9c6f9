namespace Souk.Shared.Connections;

/// <summary>
/// Connections to one server that all calls share, until too many calls on them have been given up. A server
/// keeps the stream of a caller who has left until it has really stopped working on it. Once it keeps too
/// many streams of one connection it resets every new one, or the connection itself: a few callers who leave
/// would make everybody's calls fail. So after a number of calls given up <see cref="Lanes"/> sends new calls
/// elsewhere, and this lane closes behind the last call that it carries.
/// </summary>
internal sealed class Lane(HttpMessageHandler connections) : IDisposable
{
    /// <summary>
    /// So many calls given up wear a connection out. It is well below what the most cautious server bears,
    /// which is a hundred such streams beside a hundred at work.
    /// </summary>
    public const int GivenUpMax = 40;

    private readonly HttpMessageInvoker _http = new(connections);

    // The calls under way, and one more for as long as new calls take this lane.
    private int _users = 1;
    private int _givenUp;

    /// <summary>Whether so many calls were given up that new ones should go elsewhere.</summary>
    public bool IsWorn => Volatile.Read(ref _givenUp) >= GivenUpMax;

    /// <summary>Counts a call in; false when the lane has closed meanwhile.</summary>
    public bool TryEnter()
    {
        for (var users = Volatile.Read(ref _users); users > 0; users = Volatile.Read(ref _users))
        {
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
                return true;
        }
        return false;
    }

    /// <summary>Returns once the answer begins.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken token) =>
        _http.SendAsync(request, token);

    /// <summary>Counts a call as given up, which may have been counted out before.</summary>
    public void Wear() => Interlocked.Increment(ref _givenUp);

    /// <summary>Counts a call as given up, and out.</summary>
    public void GiveUp()
    {
        Wear();
        Leave();
    }

    /// <summary>
    /// Counts a call out, or says that new calls no longer take this lane; whichever is last closes the
    /// connections.
    /// </summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _http.Dispose();
    }

    /// <summary>Closes at once, whatever is under way.</summary>
    public void Dispose() => _http.Dispose();
}
