import { make, prose } from "./dom.js";

const SCHEMAS = "#/components/schemas/";

let components = {};

export const useComponents = (document) => {
  components = document.components;
};

const nameOf = (schema) => (schema.$ref?.startsWith(SCHEMAS) ? schema.$ref.slice(SCHEMAS.length) : null);

// What a reference leads to, with the words that stand beside it.
export const resolve = (node) => {
  if (!node?.$ref) return node ?? {};
  const target = node.$ref.split("/").slice(2).reduce((at, key) => at[key], components);
  return { ...target, ...node, $ref: undefined };
};

// A schema's type in a word; a named one is a link.
export const typeOf = (schema) => {
  const name = nameOf(schema);
  if (name) return [make("a", { href: `#schema-${name}` }, name)];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items)];
  if (schema.additionalProperties) return ["map to ", ...typeOf(schema.additionalProperties)];
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "any");
  return [schema.format ? `${type} (${schema.format})` : type];
};

const limitsOf = (schema) =>
  [
    schema.readOnly && "read only",
    schema.writeOnly && "write only",
    schema.deprecated && "deprecated",
    schema.maxLength && schema.maxLength < 10000 && `at most ${schema.maxLength} characters`,
    schema.maxItems && schema.maxItems < 1000 && `at most ${schema.maxItems} entries`,
    schema.maxProperties && schema.maxProperties < 1000 && `at most ${schema.maxProperties} entries`,
    schema.pattern && `like ${schema.pattern}`,
  ].filter(Boolean);

export const fieldRow = (name, schema, isRequired, description, extra = null) => {
  const limits = limitsOf(schema);
  return make(
    "div",
    { className: "field", role: "listitem" },
    make(
      "div",
      {},
      make("code", { className: "name" }, name),
      isRequired ? make("span", { className: "required" }, "required") : null,
      make("div", { className: "type" }, ...typeOf(schema)),
    ),
    make(
      "div",
      {},
      ...prose(description ?? resolve(schema).description),
      limits.length ? make("p", { className: "limits" }, limits.join(" · ")) : null,
      extra,
    ),
  );
};

const enumRows = (schema) =>
  schema.enum.map((value) =>
    make(
      "div",
      { className: "field", role: "listitem" },
      make("div", {}, make("code", { className: "name" }, value)),
      make("div", {}, ...prose(schema["x-enum-descriptions"]?.[value])),
    ),
  );

// The fields of an object, or the values of an enum; of anything else its type.
export const fieldsOf = (schema, hide = () => false) => {
  const full = resolve(schema);
  if (full.enum) return make("div", { className: "fields", role: "list" }, ...enumRows(full));
  if (!full.properties) return make("p", {}, ...typeOf(schema));
  const fields = Object.entries(full.properties).filter(([, field]) => !hide(field));
  if (!fields.length) return make("p", {}, "No fields.");
  return make(
    "div",
    { className: "fields", role: "list" },
    ...fields.map(([name, field]) => fieldRow(name, field, full.required?.includes(name), field.description)),
  );
};
