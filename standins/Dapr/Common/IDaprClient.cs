namespace Dapr.Common;

/// <summary>Marks a client of one of the sidecar's building blocks.</summary>
public interface IDaprClient : IDisposable;
