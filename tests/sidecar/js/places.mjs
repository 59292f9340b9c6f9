// Where apps and sidecars listen, as the test that starts them says: {"shop": {"app", "http", "grpc"}, ...}.
import dapr from "@dapr/dapr";

export const places = JSON.parse(process.argv[2]);

const silent = () => {};
const toErrors = (...words) => console.error(...words);
export const logger = {
  level: dapr.LogLevel.Warn,
  service: { error: toErrors, warn: toErrors, info: silent, verbose: silent, debug: silent },
};

export function sidecarOf(place, communicationProtocol) {
  const isGrpc = communicationProtocol === dapr.CommunicationProtocolEnum.GRPC;
  const daprPort = String(isGrpc ? place.grpc : place.http);
  return { daprHost: "127.0.0.1", daprPort, communicationProtocol, logger };
}

export async function eventually(what, look) {
  const end = Date.now() + 30_000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`still waiting for ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
