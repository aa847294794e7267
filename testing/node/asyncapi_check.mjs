// Reads an AsyncAPI document with the reference parser, and makes types of it: node asyncapi_check.mjs <file>.
// Prints what both say as JSON.
import { readFileSync } from "node:fs";

import { TypeScriptGenerator } from "@asyncapi/modelina";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const text = readFileSync(process.argv[2], "utf8");
const { document, diagnostics } = await new Parser().parse(text);
const models = document ? await new TypeScriptGenerator().generate(document) : [];
console.log(
    JSON.stringify({
        errors: diagnostics.filter(({ severity }) => severity === ERROR).map(({ message, path }) => ({ message, path })),
        messages: document ? document.messages().all().map((message) => message.id()) : [],
        operations: document ? document.operations().all().length : 0,
        models: models.map(({ modelName }) => modelName),
    }),
);
