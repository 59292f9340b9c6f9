// Every part of the SDK's client, over HTTP and over gRPC: what it gives, and in which words it refuses. The desk is a
// gRPC app that is invoked, gets raw events and hears a clock tick. Prints what each protocol saw.
import dapr from "@dapr/dapr";
import { eventually, logger, places, sidecarOf } from "./places.mjs";

const { ActorId, ActorProxyBuilder, CommunicationProtocolEnum, DaprClient, DaprServer, HttpMethod } = dapr;

const desk = new DaprServer({
  serverHost: "127.0.0.1",
  serverPort: String(places.desk.app),
  communicationProtocol: CommunicationProtocolEnum.GRPC,
  clientOptions: sidecarOf(places.desk, CommunicationProtocolEnum.GRPC),
  logger,
});
const seen = { raw: [], ticks: 0 };
await desk.invoker.listen("greet", ({ body }) => ({ hello: JSON.parse(body).name }), { method: HttpMethod.POST });
await desk.invoker.listen("stumble", () => Promise.reject(new Error("stumbled")), { method: HttpMethod.POST });
await desk.pubsub.subscribe("pubsub", "raw", async (data) => void seen.raw.push(data), undefined, {
  rawPayload: "true",
});
await desk.binding.receive("tick", async () => void seen.ticks++);
await desk.start();

const tours = {};
for (const protocol of ["HTTP", "GRPC"]) {
  const client = new DaprClient(sidecarOf(places.desk, CommunicationProtocolEnum[protocol]));
  tours[protocol] = await tour(client, protocol);
  await client.stop();
}
const grpc = new DaprClient(sidecarOf(places.desk, CommunicationProtocolEnum.GRPC));
tours.unsupported = [
  await refusal(() => grpc.configuration.get("configuration", ["key"])),
  await refusal(() => grpc.crypto.encrypt(Buffer.from("x"), { componentName: "c", keyName: "k", keyWrapAlgorithm: "RSA" })),
  await refusal(() => grpc.state.query("statestore", { filter: {}, sort: [], page: { limit: 1 } })),
  await refusal(() => new ActorProxyBuilder(class Till {}, grpc).build(new ActorId("1")).open()),
];

async function tour(client, protocol) {
  const { state, lock, secret, binding, invoker, pubsub, metadata } = client;
  const key = (name) => `${protocol}-${name}`;
  const values = { object: { n: 1 }, text: "text", number: 5, no: false, zero: 0, list: [1, 2], unicode: "ключ" };
  await state.save(
    "statestore",
    Object.entries(values).map(([name, value]) => ({ key: key(name), value })),
  );
  const read = {};
  for (const name of [...Object.keys(values), "missing"]) read[name] = await state.get("statestore", key(name));
  const stale = { key: key("object"), value: 2, etag: "99" };
  const bulk = await state.getBulk("statestore", [key("text"), key("missing")]);
  await state.transaction("statestore", [
    { operation: "upsert", request: { key: key("text"), value: "changed" } },
    { operation: "delete", request: { key: key("list") } },
  ]);
  await state.delete("statestore", key("zero"));
  await metadata.set("tour", protocol);
  await pubsub.publish("pubsub", "raw", { by: protocol }, { metadata: { rawPayload: "true" } });
  await eventually("the raw event", () => seen.raw.some(({ by }) => by === protocol));
  const sent = await binding.send("web", "put", { parcel: 1 }, { path: "/parcels" });
  const echo = sent.data ? JSON.parse(Buffer.from(sent.data)) : sent;
  const { id, extended } = await metadata.get();
  return {
    read,
    bulk: bulk.map(({ data }) => data || null),
    after: [await state.get("statestore", key("text")), await state.get("statestore", key("list"))],
    healthy: await client.health.isHealthy(),
    metadata: [id, extended.tour],
    locks: [
      (await lock.lock("lockstore", key("till"), "one", 60)).success,
      (await lock.lock("lockstore", key("till"), "two", 60)).success,
      (await lock.unlock("lockstore", key("till"), "two")).status,
      (await lock.unlock("lockstore", key("till"), "one")).status,
      (await lock.unlock("lockstore", key("till"), "one")).status,
    ],
    secrets: [await secret.get("secrets", "mail:user"), await secret.getBulk("secrets")],
    echo: [echo.Verb ?? echo.verb, echo.Target ?? echo.target, echo.Body ?? echo.body],
    greeted: await invoker.invoke("desk", "greet", HttpMethod.POST, { name: protocol }),
    refused: {
      etag: await refusal(() => state.save("statestore", [stale])),
      store: await refusal(() => state.get("nowhere", "x")),
      pubsub: await refusal(() => pubsub.publish("nowhere", "x", { a: 1 })),
      binding: await refusal(() => binding.send("nowhere", "create", { a: 1 })),
      operation: await refusal(() => binding.send("web", "juggle", { a: 1 })),
      secret: await refusal(() => secret.get("secrets", "none")),
      secretStore: await refusal(() => secret.get("nowhere", "none")),
      lockStore: await refusal(() => lock.lock("nowhere", "x", "one", 1)),
      app: await refusal(() => invoker.invoke("nowhere", "greet", HttpMethod.POST, { a: 1 })),
    },
    stumbled: (await refusal(() => invoker.invoke("desk", "stumble", HttpMethod.POST, { a: 1 }))) !== "nothing",
  };
}

// The first sentence that the sidecar said, whether the SDK throws it or hands it back, as an answer or as a status.
async function refusal(call) {
  let error;
  try {
    error = (await call())?.error;
  } catch (thrown) {
    error = thrown.error ?? thrown;
  }
  if (!error) return "nothing";
  const said = error.rawMessage ?? JSON.parse(JSON.parse(error.message).error_msg).message;
  return said.split(". ")[0];
}

await eventually("a tick", () => seen.ticks > 0);
await new Promise((done) => process.stdout.write(`\n${JSON.stringify(tours)}\n`, done));
process.exit(0);
