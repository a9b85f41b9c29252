/** The variables of an environment that are set: an empty one, as in a copied `.env.example` or in `RABBITMQ_URL= npm start`, counts as not set, everywhere. */
export function setIn(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => isSet(entry[1])),
  );
}

/** Whether a variable of the environment is set. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
