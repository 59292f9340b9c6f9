namespace Grpc.Core.Utils;

/// <summary>
/// Checks that throw; part of the official surface, so generated and third-party code may call them.
/// </summary>
public static class GrpcPreconditions
{
    /// <summary>Throws <see cref="ArgumentException" /> unless the condition holds.</summary>
    public static void CheckArgument(bool condition)
    {
        if (!condition)
            throw new ArgumentException(null);
    }

    /// <summary>Throws <see cref="ArgumentException" /> with a message unless the condition holds.</summary>
    public static void CheckArgument(bool condition, string errorMessage)
    {
        if (!condition)
            throw new ArgumentException(errorMessage);
    }

    /// <summary>
    /// Returns the reference, or throws <see cref="ArgumentNullException" /> if there is none.
    /// </summary>
    public static T CheckNotNull<T>(T reference) =>
        reference ?? throw new ArgumentNullException(nameof(reference));

    /// <summary>
    /// Returns the reference, or throws <see cref="ArgumentNullException" /> that names the parameter.
    /// </summary>
    public static T CheckNotNull<T>(T reference, string paramName) =>
        reference ?? throw new ArgumentNullException(paramName);

    /// <summary>Throws <see cref="InvalidOperationException" /> unless the condition holds.</summary>
    public static void CheckState(bool condition)
    {
        if (!condition)
            throw new InvalidOperationException();
    }

    /// <summary>
    /// Throws <see cref="InvalidOperationException" /> with a message unless the condition holds.
    /// </summary>
    public static void CheckState(bool condition, string errorMessage)
    {
        if (!condition)
            throw new InvalidOperationException(errorMessage);
    }
}
