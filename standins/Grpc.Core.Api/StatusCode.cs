namespace Grpc.Core;

/// <summary>The outcome of a call, as it travels in the <c>grpc-status</c> trailer.</summary>
public enum StatusCode
{
    /// <summary>The call did what was asked.</summary>
    OK = 0,

    /// <summary>Somebody gave the call up, mostly its caller.</summary>
    Cancelled = 1,

    /// <summary>An error that nobody translated into a code.</summary>
    Unknown = 2,

    /// <summary>The request is wrong whatever state the server is in.</summary>
    InvalidArgument = 3,

    /// <summary>Time ran out; the server may still have done the work.</summary>
    DeadlineExceeded = 4,

    /// <summary>What was asked for is not there.</summary>
    NotFound = 5,

    /// <summary>What was to be created is there already.</summary>
    AlreadyExists = 6,

    /// <summary>The caller is known and may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>A quota, a rate limit or a size limit is used up.</summary>
    ResourceExhausted = 8,

    /// <summary>
    /// The request is fine but the state of the server does not allow it; retrying as is will not help.
    /// </summary>
    FailedPrecondition = 9,

    /// <summary>Another call got in between; the caller should start its read-change-write over.</summary>
    Aborted = 10,

    /// <summary>A position past the end, which may become valid when the data grows.</summary>
    OutOfRange = 11,

    /// <summary>The server has no such method.</summary>
    Unimplemented = 12,

    /// <summary>Something that must hold does not: a bug on either side.</summary>
    Internal = 13,

    /// <summary>The server cannot be reached right now; retry later.</summary>
    Unavailable = 14,

    /// <summary>Data is lost or damaged for good.</summary>
    DataLoss = 15,

    /// <summary>The call carries no valid credentials.</summary>
    Unauthenticated = 16,
}
