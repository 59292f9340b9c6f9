// The checkout of one order: reserve in the warehouse, wait for the payment, ship.
import dapr from "@dapr/dapr";
import { logger, sidecarOf } from "./places.mjs";

const { CommunicationProtocolEnum, DaprWorkflowClient, HttpMethod, WorkflowRuntime } = dapr;

export async function* checkout(context, order) {
  const reservation = yield context.callActivity("reserve", order);
  if (reservation.refused) return { state: "refused", why: reservation.refused };
  const payment = context.waitForExternalEvent("paid");
  const patience = context.createTimer(order.patienceSeconds);
  const first = yield context.whenAny([payment, patience]);
  if (first !== payment) return { state: "abandoned" };
  yield context.callActivity("ship", order);
  return { state: "shipped", paid: payment.getResult() };
}

export async function openCheckout(place, client) {
  const options = { ...sidecarOf(place, CommunicationProtocolEnum.GRPC), logger };
  const worker = new WorkflowRuntime(options)
    .registerWorkflow(checkout)
    .registerActivityWithName("reserve", (_, order) =>
      client.invoker.invoke("warehouse", "reserve", HttpMethod.POST, order),
    )
    .registerActivityWithName("ship", async (_, order) => {
      await client.pubsub.publish("pubsub", "shipped", order);
    });
  await worker.start();
  return new DaprWorkflowClient(options);
}
