// The warehouse: a gRPC app that knows the stock and reserves it, one caller at a time.
import dapr from "@dapr/dapr";
import { logger, sidecarOf } from "./places.mjs";

const { CommunicationProtocolEnum, DaprServer, HttpMethod } = dapr;
const grpc = CommunicationProtocolEnum.GRPC;
const lockSeconds = 10;

export async function openWarehouse(place, stock) {
  const server = new DaprServer({
    serverHost: "127.0.0.1",
    serverPort: String(place.app),
    communicationProtocol: grpc,
    clientOptions: sidecarOf(place, grpc),
    logger,
  });
  const { client } = server;
  const shipped = [];

  await server.invoker.listen("reserve", ({ body }) => reserve(JSON.parse(body)), { method: HttpMethod.POST });
  await server.pubsub.subscribe("pubsub", "shipped", async (order) => {
    shipped.push(order.id);
  });
  await server.start();
  await client.state.save("statestore", Object.entries(stock).map(([key, left]) => ({ key, value: { left } })));

  async function reserve({ id, sku, quantity }) {
    const held = await client.lock.lock("lockstore", sku, id, lockSeconds);
    if (!held.success) return { refused: "busy" };
    try {
      const { left } = await client.state.get("statestore", sku);
      if (left < quantity) return { refused: "out of stock" };
      await client.state.save("statestore", [{ key: sku, value: { left: left - quantity } }]);
      return { left: left - quantity };
    } finally {
      await client.lock.unlock("lockstore", sku, id);
    }
  }

  return { client, shipped };
}
