using Dapr.DurableTask.Protobuf;

namespace Souk.Sidecar.Workflows;

/// <summary>A turn in a worker's hands: how much of the inbox it covers, and the event that opened
/// it.</summary>
internal sealed record Turn(string Token, int Consumed, HistoryEvent Opened);
