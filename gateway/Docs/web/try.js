import { codeBlock, make, pretty } from "./dom.js";

let serial = 0;

const labelled = (text, input) => {
  serial += 1;
  input.id = `input-${serial}`;
  return make("div", { className: "input" }, make("label", { htmlFor: input.id }, text), input);
};

// A key of its own for each operation: the same click twice is the same call.
const firstValue = (parameter) => {
  if (parameter.in === "header" && parameter.schema.format === "uuid") return crypto.randomUUID();
  return parameter.required ? String(parameter.example ?? "") : "";
};

const requestOf = (path, verb, inputs, body) => {
  const headers = { Accept: "application/json" };
  const query = new URLSearchParams();
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  let target = path;
  for (const { parameter, input } of inputs) {
    const value = input.value.trim();
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value && parameter.in === "query") query.append(parameter.name, value);
    else if (value) headers[parameter.name] = value;
  }
  if (body) headers["Content-Type"] = "application/json";
  return {
    url: query.size ? `${target}?${query}` : target,
    options: { method: verb.toUpperCase(), headers, body: body?.value, cache: "no-store" },
  };
};

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const curlOf = ({ url, options }) =>
  [
    `curl -X ${options.method} ${quoted(location.origin + url)}`,
    ...Object.entries(options.headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(options.body ? [`-d ${quoted(options.body)}`] : []),
  ].join(" \\\n  ");

const shown = (text) => {
  try {
    return pretty(JSON.parse(text));
  } catch {
    return text;
  }
};

// Fields for an operation's parameters and body, and a button that makes the call.
export const tryIt = (path, verb, operation, example) => {
  const parameters = operation.parameters ?? [];
  const inputs = parameters.map((parameter) => ({ parameter, input: make("input", { value: firstValue(parameter) }) }));
  const body = example === undefined ? null : make("textarea", { rows: 10, spellcheck: false, value: pretty(example) });
  const answer = make("div", { className: "answer", "aria-live": "polite" });
  const send = async () => {
    const request = requestOf(path, verb, inputs, body);
    answer.replaceChildren(make("p", {}, "…"));
    try {
      const start = performance.now();
      const response = await fetch(request.url, request.options);
      const text = await response.text();
      const took = Math.round(performance.now() - start);
      answer.replaceChildren(
        make(
          "p",
          { className: response.ok ? "good" : "bad" },
          make("strong", { className: "status" }, `${response.status}`),
          ` ${response.statusText} · ${took} ms · ${response.headers.get("Content-Type") ?? "no body"}`,
        ),
        codeBlock("Answer", shown(text) || "(empty)"),
        codeBlock("As a command", curlOf(request)),
      );
    } catch (error) {
      answer.replaceChildren(make("p", { className: "bad" }, String(error)));
    }
  };
  const form = make(
    "form",
    { className: "try" },
    ...inputs.map(({ parameter, input }) =>
      labelled(`${parameter.name} (${parameter.in}${parameter.required ? ", required" : ""})`, input),
    ),
    body ? labelled("Body (JSON)", body) : null,
    make("button", { type: "submit" }, "Send"),
    answer,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  return form;
};
