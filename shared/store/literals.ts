/** Values for a pipeline, as they are: a text that begins with a dollar sign stays a text. What is undefined is left out. */
export function literals(values: object): Record<string, unknown> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([key, value]: [string, unknown]) => [key, { $literal: value }]));
}
