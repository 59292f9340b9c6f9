// A small shop on Dapr's JavaScript SDK: an HTTP app that takes orders and payments as events and runs each
// order's checkout as a workflow; the warehouse is a gRPC app behind its own sidecar. Prints what came of it.
import dapr from "@dapr/dapr";
import { checkout, openCheckout } from "./checkout.mjs";
import { eventually, logger, places, sidecarOf } from "./places.mjs";
import { openWarehouse } from "./warehouse.mjs";

const { CommunicationProtocolEnum, DaprPubSubStatusEnum, DaprServer } = dapr;
const http = CommunicationProtocolEnum.HTTP;
const patienceSeconds = 60;

const warehouse = await openWarehouse(places.warehouse, { lamp: 3 });
const server = new DaprServer({
  serverHost: "127.0.0.1",
  serverPort: String(places.shop.app),
  communicationProtocol: http,
  clientOptions: sidecarOf(places.shop, http),
  logger,
});
const { client } = server;
const workflows = await openCheckout(places.shop, client);
const seen = { large: [], deadLetters: [], audited: [] };

await server.pubsub.subscribeWithOptions("pubsub", "orders", {
  deadLetterTopic: "bad-orders",
  route: {
    default: "/orders",
    rules: [{ match: "has(event.data.quantity) && event.data.quantity > 10", path: "/large-orders" }],
  },
});
server.pubsub.subscribeToRoute("pubsub", "orders", "/orders", place);
server.pubsub.subscribeToRoute("pubsub", "orders", "/large-orders", async ({ id }) => void seen.large.push(id));
await server.pubsub.subscribe("pubsub", "bad-orders", async ({ id }) => void seen.deadLetters.push(id));
await server.pubsub.subscribe("pubsub", "payments", async ({ order, amount }) => {
  await workflows.raiseEvent(order, "paid", { amount });
});
await server.pubsub.subscribeBulk("pubsub", "audit", async (line) => void seen.audited.push(line.n), {
  maxMessagesCount: 10,
  maxAwaitDurationMs: 100,
});
await server.start();

async function place(order) {
  if (!order.sku) return DaprPubSubStatusEnum.DROP;
  await workflows.scheduleNewWorkflow(checkout, { ...order, patienceSeconds }, order.id);
  return DaprPubSubStatusEnum.SUCCESS;
}

async function ended(id) {
  const state = await eventually(`workflow ${id}`, () => workflows.getWorkflowState(id, true));
  const result = await workflows.waitForWorkflowCompletion(state.instanceId, true, 30);
  return JSON.parse(result.serializedOutput);
}

// One order is paid and shipped, one asks for too much, one is not understood, one is for the big customers' desk.
await client.pubsub.publish("pubsub", "orders", { id: "paid-order", sku: "lamp", quantity: 2 });
await eventually("the reservation", async () => (await warehouse.client.state.get("statestore", "lamp")).left === 1);
await client.pubsub.publish("pubsub", "payments", { order: "paid-order", amount: 40 });
const orders = { "paid-order": await ended("paid-order") };
await client.pubsub.publish("pubsub", "orders", { id: "greedy-order", sku: "lamp", quantity: 5 });
orders["greedy-order"] = await ended("greedy-order");
await client.pubsub.publish("pubsub", "orders", { id: "bad-order" });
await client.pubsub.publish("pubsub", "orders", { id: "large-order", sku: "lamp", quantity: 50 });

const lines = Array.from({ length: 20 }, (_, i) => ({ n: i + 1 }));
const published = await client.pubsub.publishBulk("pubsub", "audit", lines);
await eventually("the audit", () => seen.audited.length >= lines.length);
await eventually("the dead letter", () => seen.deadLetters.length > 0);
await eventually("the large order", () => seen.large.length > 0);
await eventually("the shipment", () => warehouse.shipped.length > 0);

// The shop's own state, with etags and in a transaction.
await client.state.save("statestore", [{ key: "till", value: 40 }]);
await client.state.transaction("statestore", [
  { operation: "upsert", request: { key: "till", value: 80 } },
  { operation: "upsert", request: { key: "sales", value: ["paid-order"] } },
]);
const till = await client.state.get("statestore", "till");
const sales = await client.state.getBulk("statestore", ["sales", "missing"]);
const first = await client.lock.lock("lockstore", "till", "one", 10);
const second = await client.lock.lock("lockstore", "till", "two", 10);

const result = {
  orders,
  stock: await warehouse.client.state.get("statestore", "lamp"),
  shipped: warehouse.shipped,
  large: seen.large,
  deadLetters: seen.deadLetters,
  audited: [...new Set(seen.audited)].sort((a, b) => a - b),
  notPublished: published.failedMessages.length,
  till,
  sales: sales.map(({ key, data }) => [key, data ?? null]),
  locks: [first.success, second.success],
};
// On a line of its own, behind what the SDK logs. The servers would wait for connections that sidecars keep open.
await new Promise((done) => process.stdout.write(`\n${JSON.stringify(result)}\n`, done));
process.exit(0);
