namespace Souk.Shared;

/// <summary>
/// Connections to one server, for all calls of a while. A server keeps a stream whose caller has left until
/// it has really stopped working on it, and once it keeps too many of a connection's it resets every new one,
/// or the connection: what a few rude callers did would fail everybody's calls. So after a number of calls
/// that were given up a lane is left, and closes behind the last call that it carries.
/// </summary>
internal sealed class Lane(HttpMessageHandler connections) : IDisposable
{
    /// <summary>
    /// Far from what the smallest of servers keeps, which is a hundred beside a hundred at work.
    /// </summary>
    private const int GivenUpMax = 40;

    private readonly HttpMessageInvoker _http = new(connections);

    // Its calls, and one for being the lane that new calls take.
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

    /// <summary>Notes a call whose answer was not waited for, and which may have left before.</summary>
    public void Wear() => Interlocked.Increment(ref _givenUp);

    /// <summary>Counts a call out whose answer was not waited for.</summary>
    public void GiveUp()
    {
        Wear();
        Leave();
    }

    /// <summary>Counts a call out, or the lane itself; the last one closes the connections.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _http.Dispose();
    }

    /// <summary>Closes at once, whatever is under way.</summary>
    public void Dispose() => _http.Dispose();
}
