import { codeBlock, make, pretty, prose } from "./dom.js";
import { operationOf } from "./operation.js";
import { fieldsOf, useComponents } from "./schema.js";

const state = document.getElementById("state");
const reference = document.getElementById("reference");
const contents = document.getElementById("contents");
const menu = document.getElementById("menu");
const search = document.getElementById("search");

// What the search looks through: an entry of the page, its line in the contents, and its words.
const entries = [];

const enter = (element, title, words, list) => {
  const link = make("li", {}, make("a", { href: `#${element.id}` }, title));
  list.append(link);
  entries.push({ element, link, words: words.toLowerCase() });
  return element;
};

const chapter = (title, text) => {
  const list = make("ul");
  const section = make("section", {}, make("h2", {}, title), ...prose(text));
  const group = make("div", {}, make("h2", {}, title), list);
  contents.append(group);
  reference.append(section);
  return { section, list };
};

const operationsOf = (api, tag) =>
  Object.entries(api.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, operation]) => operation.tags.includes(tag.name))
      .map(([verb, operation]) => ({ path, verb, operation })),
  );

const schemaCard = (name, schema) =>
  make(
    "details",
    { id: `schema-${name}`, className: "card" },
    make("summary", {}, make("code", { className: "path" }, name)),
    make("div", { className: "operation" }, ...prose(schema.description), fieldsOf(schema)),
  );

const errorCard = (reason, example) =>
  make(
    "details",
    { id: `${reason.domain}.${reason.reason}`, className: "card" },
    make(
      "summary",
      {},
      make("span", { className: "verb" }, `${reason.status}`),
      make("code", { className: "path" }, reason.reason),
      make("span", { className: "summary" }, reason.description),
      make("span", { className: "access" }, reason.domain),
    ),
    make("div", { className: "operation" }, ...prose(reason.description), codeBlock("Example error", pretty(example.value))),
  );

const draw = (api) => {
  useComponents(api);
  const intro = make("section", { className: "intro" }, make("h2", {}, api.info.title), ...prose(api.info.description));
  reference.append(intro);
  for (const tag of api.tags) {
    const { section, list } = chapter(tag.name, tag.description);
    for (const { path, verb, operation } of operationsOf(api, tag)) {
      const words = `${operation.operationId} ${verb} ${path} ${operation.description}`;
      section.append(enter(operationOf(path, verb, operation), operation.operationId, words, list));
    }
  }
  const schemas = chapter("Schemas", "What bodies are made of.");
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const words = `${name} ${schema.description ?? ""} ${Object.keys(schema.properties ?? {}).join(" ")}`;
    schemas.section.append(enter(schemaCard(name, schema), name, words, schemas.list));
  }
  const errors = chapter("Errors", "Every `reason` that an answer can have, by the service that gives it.");
  for (const reason of api["x-reasons"]) {
    const key = `${reason.domain}.${reason.reason}`;
    const words = `${key} ${reason.status} ${reason.code} ${reason.description}`;
    errors.section.append(enter(errorCard(reason, api.components.examples[key]), reason.reason, words, errors.list));
  }
};

const filter = () => {
  const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { element, link, words } of entries) {
    const fits = wanted.every((word) => words.includes(word));
    element.hidden = link.hidden = !fits;
    count += fits ? 1 : 0;
  }
  for (const group of [...reference.children, ...contents.children]) {
    const items = group.querySelectorAll(".card, li");
    group.hidden = items.length > 0 ? [...items].every((item) => item.hidden) : wanted.length > 0;
  }
  state.textContent = wanted.length ? `${count} found` : "";
};

const openTarget = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(target instanceof HTMLDetailsElement)) return;
  if (target.hidden) {
    search.value = "";
    filter();
  }
  target.open = true;
  target.scrollIntoView();
  target.querySelector("summary").focus({ preventScroll: true });
};

const onPhone = matchMedia("(max-width: 800px)");
if (onPhone.matches) menu.open = false;
contents.addEventListener("click", () => {
  if (onPhone.matches) menu.open = false;
});
for (const form of document.querySelectorAll("header form")) {
  form.addEventListener("submit", (event) => event.preventDefault());
}
search.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  const isTyping = ["INPUT", "TEXTAREA"].includes(document.activeElement.tagName);
  if (event.key !== "/" || isTyping) return;
  event.preventDefault();
  search.focus();
});
addEventListener("hashchange", openTarget);

try {
  const response = await fetch("/openapi.json");
  draw(await response.json());
  state.textContent = "";
  openTarget();
} catch (error) {
  state.textContent = `The reference cannot be shown: ${error}`;
}
