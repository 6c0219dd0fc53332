// Checks the contracts with the tools that other languages use: each schema and its examples by
// Ajv, the table of good and bad requests too, asyncapi.yaml by AsyncAPI's own parser,
// openapi.yaml by Redocly. It opens no connection.
import {readFileSync, readdirSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {Parser, fromFile} from '@asyncapi/parser';
import {createConfig, lint} from '@redocly/openapi-core';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const at = name => fileURLToPath(new URL(name, import.meta.url));
const json = name => JSON.parse(readFileSync(at(name), 'utf8'));
const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);

// A connection would be telemetry, or a schema that is fetched from somewhere.
const refuse = () => { throw new Error('the contracts are checked without a network'); };
globalThis.fetch = refuse;

// Schemas.
const ajv = new Ajv2020({strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true});
addFormats(ajv);
ajv.addKeyword({keyword: 'x-extensible-enum', schemaType: 'array'});
const schemas = readdirSync(at('schemas')).filter(name => name.endsWith('.json'));
for (const name of schemas) ajv.addSchema(json(`schemas/${name}`), name);
let examples = 0;
for (const name of schemas) {
  try {
    const validate = ajv.getSchema(name);
    const own = validate.schema.examples ?? [];
    if (own.length === 0) fail(name, 'has no example');
    for (const example of own) {
      examples++;
      if (!validate(example)) fail(name, `an example does not fit: ${ajv.errorsText(validate.errors)}`);
    }
  } catch (error) {
    fail(name, error.message);
  }
}

// Requests, good and bad. What "beyond" means only settled itself refuses, "tolerated" only it takes.
const taken = {good: true, bad: false, beyond: true, tolerated: false};
let requests = 0;
for (const [subject, {request, rows}] of Object.entries(json('testdata/requests.json'))) {
  const validate = ajv.getSchema(`${subject}.json`);
  for (const {name, verdict, set = {}, without = [], long} of rows) {
    requests++;
    const changed = {...request, ...set};
    for (const field of without) delete changed[field];
    if (long) changed[long.field] = long.of.repeat(long.times);
    if (validate(changed) !== taken[verdict]) {
      fail(subject, `${name}: is ${verdict}, and Ajv says ${ajv.errorsText(validate.errors)}`);
    }
  }
}

// AsyncAPI. Severities 0 and 1 are errors and warnings; the rest is advice.
const {document, diagnostics} = await fromFile(new Parser(), at('asyncapi.yaml')).parse();
for (const {severity, path, message} of diagnostics) {
  if (severity <= 1) fail('asyncapi.yaml', `${path.join('.')}: ${message}`);
}
const messages = document?.messages().all().length ?? 0;
if (messages === 0) fail('asyncapi.yaml', 'has no message');

// OpenAPI. The rules that are off are checked by Ajv, or are about what we do not have.
const config = await createConfig({
  extends: ['recommended'],
  rules: {
    'info-license': 'off',
    'no-invalid-schema-examples': 'off', // takes allOf for closed
    'no-required-schema-properties-undefined': 'off', // does not know of conditions
  },
});
for (const {ruleId, location, message} of await lint({ref: at('openapi.yaml'), config})) {
  fail('openapi.yaml', `${location?.[0]?.pointer ?? ''}: ${message} (${ruleId})`);
}

for (const failure of failures) console.error(failure);
console.log(`contracts: ${schemas.length} schemas, ${examples} examples, ${requests} requests, ${messages} messages; ${failures.length} failures`);
process.exitCode = failures.length > 0 ? 1 : 0;
