import { codeBlock, make, pretty, prose } from "./dom.js";
import { fieldRow, fieldsOf, resolve, typeOf } from "./schema.js";
import { tryIt } from "./try.js";

const JSON_TYPE = "application/json";

const accessOf = (operation) => {
  const tokens = operation.security.filter((rule) => "token" in rule);
  if (operation.security.some((rule) => !Object.keys(rule).length)) return "public";
  return tokens[0]?.token.length ? tokens[0].token.join(", ") : "any token";
};

const part = (title, ...content) => make("section", {}, make("h3", {}, title), ...content);

const parametersPart = (operation) =>
  operation.parameters
    ? part(
        "Parameters",
        make(
          "div",
          { className: "fields", role: "list" },
          ...operation.parameters.map((parameter) =>
            fieldRow(
              parameter.name,
              parameter.schema,
              parameter.required,
              parameter.description,
              make("p", { className: "limits" }, `in ${parameter.in}`),
            ),
          ),
        ),
      )
    : null;

const bodyPart = (media) =>
  media ? part("Body", fieldsOf(media.schema, (field) => field.readOnly), codeBlock("Example body", pretty(media.example))) : null;

// Schemas of both directions; a stream from the client cannot be had without a socket.
const socketPart = (socket) =>
  part(
    "WebSocket",
    make("p", {}, `Subprotocol ${socket.subprotocol}. `, "Sends ", ...(socket.sent ? typeOf(socket.sent) : ["nothing"]), ", receives ", ...typeOf(socket.received), "."),
  );

const answerPart = (response) => {
  const types = Object.entries(response.content);
  const [, media] = types[0];
  return part(
    "Answer 200",
    make("p", {}, response.description, " ", ...typeOf(media.schema), ` · ${types.map(([type]) => type).join(", ")}`),
    media.example === undefined ? null : codeBlock("Example answer", pretty(media.example)),
  );
};

const errorsPart = (responses) => {
  const failures = Object.entries(responses).filter(([status]) => Number(status) >= 400);
  return part(
    "Errors",
    make(
      "div",
      { className: "fields", role: "list" },
      ...failures.flatMap(([status, response]) =>
        Object.entries(Object.values(response.content)[0].examples).map(([key, example]) =>
          make(
            "div",
            { className: "field", role: "listitem" },
            make("div", {}, make("strong", {}, status), " ", make("a", { href: `#${key}` }, key.split(".").pop())),
            make("div", {}, ...prose(resolve(example).summary)),
          ),
        ),
      ),
    ),
  );
};

const fill = (target, path, verb, operation) => {
  const media = operation.requestBody?.content[JSON_TYPE];
  const socket = operation["x-websocket"];
  const answer = operation.responses["200"];
  target.append(
    ...prose(operation.description),
    make("p", { className: "limits" }, `operationId ${operation.operationId} · for ${accessOf(operation)}`),
    ...[
      parametersPart(operation),
      bodyPart(media),
      socket ? socketPart(socket) : null,
      answer ? answerPart(answer) : null,
      errorsPart(operation.responses),
      answer ? part("Try it", tryIt(path, verb, operation, media?.example)) : null,
    ].filter(Boolean),
  );
};

// An operation, closed until somebody looks: a hundred open ones would be slow and unreadable.
export const operationOf = (path, verb, operation) => {
  const content = make("div", { className: "operation" });
  const details = make(
    "details",
    { id: operation.operationId, className: "card" },
    make(
      "summary",
      {},
      make("span", { className: `verb ${verb}` }, verb.toUpperCase()),
      make("code", { className: "path" }, path),
      make("span", { className: "summary" }, operation.summary),
      operation["x-websocket"] ? make("span", { className: "socket" }, "WebSocket") : null,
      operation.deprecated ? make("span", { className: "required" }, "deprecated") : null,
      make("span", { className: "access" }, accessOf(operation)),
    ),
    content,
  );
  details.addEventListener("toggle", () => {
    if (details.open && !content.hasChildNodes()) fill(content, path, verb, operation);
  });
  return details;
};
