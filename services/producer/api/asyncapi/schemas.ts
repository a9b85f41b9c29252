import { z } from 'zod';

/** What is documented of contracts: schemas by their names. */
export type Schemas = Record<string, object>;

/** Where AsyncAPI keeps schemas, and where zod leaves those that have an id. */
const [COMPONENTS, DEFINITIONS] = ['#/components/schemas/', '#/definitions/'];

/** The JSON Schema (draft 7, as AsyncAPI has it) of a contract that has an id, and of all that it is made of, each under its id. */
export function schemasOf(contract: z.ZodType): Schemas {
  const { definitions = {} } = z.toJSONSchema(contract, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      const { example } = jsonSchema as { example?: unknown };
      // A word of OpenAPI; JSON Schema has a list of them.
      if (example === undefined) return;
      delete (jsonSchema as { example?: unknown }).example;
      jsonSchema.examples = [example];
    },
  });
  return JSON.parse(JSON.stringify(definitions).replaceAll(`"${DEFINITIONS}`, `"${COMPONENTS}`)) as Schemas;
}

/** A reference to one of the schemas. */
export function schemaRef(name: string): { $ref: string } {
  return { $ref: `${COMPONENTS}${name}` };
}
