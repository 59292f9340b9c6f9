namespace Souk.Sidecar;

/// <summary>
/// Which calls one sidecar takes. On its way out it first keeps new ones from its app, and takes what the app
/// needs for the work that it has; at last it takes none.
/// </summary>
internal sealed class Admission
{
    private readonly CallCount _calls = new();
    private volatile bool _isClosedToApp;
    private volatile bool _isClosed;

    /// <summary>Whether others may call the app.</summary>
    public bool IsOpenToApp => !_isClosedToApp;

    /// <summary>Whether anything may be asked of the sidecar.</summary>
    public bool IsOpen => !_isClosed;

    /// <summary>Each call that is let in leaves once.</summary>
    public bool TryEnter()
    {
        _calls.Enter();
        if (!_isClosed)
            return true;
        _calls.Leave();
        return false;
    }

    public void Leave() => _calls.Leave();

    public void CloseToApp() => _isClosedToApp = true;

    /// <summary>Lets nobody in any more, and returns when the last has left.</summary>
    public Task CloseAsync()
    {
        _isClosedToApp = true;
        _isClosed = true;
        return _calls.UntilNoneAsync();
    }
}
