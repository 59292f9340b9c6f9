// Judges the API document whose file is given: valid OpenAPI 3.1, each example fits its schema, Postman takes it.
import { readFile } from "node:fs/promises";
import { compileErrors, validate } from "@readme/openapi-parser";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import postman from "openapi-to-postmanv2";

const text = await readFile(process.argv[2], "utf8");
const failures = [];

const result = await validate(JSON.parse(text));
if (!result.valid) failures.push(compileErrors(result));

const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
for (const [name, format] of Object.entries({ int32: Number.isInteger, int64: Number.isInteger, uint64: Number.isInteger })) {
  ajv.addFormat(name, { type: "number", validate: format });
}

// Whole documents are compiled by reference, because messages may contain themselves.
const document = JSON.parse(text);
ajv.addSchema({ $id: "api", ...document });
let examples = 0;

const check = (where, path, example) => {
  if (example === undefined) return;
  examples += 1;
  const judge = ajv.compile({ $ref: `api#${path}` });
  if (!judge(example)) failures.push(`${where}: ${ajv.errorsText(judge.errors)}: ${JSON.stringify(example)}`);
};

const escape = (key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"));

const checkContent = (where, path, content = {}) => {
  for (const [type, media] of Object.entries(content)) {
    const schema = `${path}/content/${escape(type)}/schema`;
    check(`${where} ${type}`, schema, media.example);
    for (const [name, example] of Object.entries(media.examples ?? {})) {
      const value = example.$ref ? document.components.examples[example.$ref.split("/").pop()].value : example.value;
      check(`${where} ${type} ${name}`, schema, value);
    }
  }
};

let operations = 0;
for (const [path, item] of Object.entries(document.paths)) {
  for (const [verb, operation] of Object.entries(item)) {
    operations += 1;
    const at = `/paths/${escape(path)}/${verb}`;
    const where = operation.operationId;
    (operation.parameters ?? []).forEach((parameter, index) =>
      check(`${where} ${parameter.name}`, `${at}/parameters/${index}/schema`, parameter.example),
    );
    checkContent(`${where} body`, `${at}/requestBody`, operation.requestBody?.content);
    for (const [status, response] of Object.entries(operation.responses)) {
      checkContent(`${where} ${status}`, `${at}/responses/${status}`, response.content);
    }
  }
}

const collection = await new Promise((resolve, reject) =>
  postman.convertV2({ type: "string", data: text }, {}, (error, answer) => (error ? reject(error) : resolve(answer))),
);
if (!collection.result) failures.push(`Postman: ${collection.reason}`);
const count = (items) => items.reduce((sum, item) => sum + (item.item ? count(item.item) : 1), 0);
const requests = collection.result ? count(collection.output[0].data.item) : 0;

console.log(JSON.stringify({ operations, examples, requests, failures }));
