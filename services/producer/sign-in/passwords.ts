import bcrypt from 'bcrypt';

/** What OWASP asks for at least; length is what makes a password hard to guess. */
const LEAST_CHARACTERS = 12;
/** bcrypt reads no further: two passwords that begin with the same 72 bytes would be one. */
const MOST_BYTES = 72;
/** 2^12 rounds: 0.2 s to 0.3 s here, in a thread of its own. */
const COST = 12;

/** Why a text cannot be a password; undefined when it can. */
export function passwordTrouble(password: string, name: string): string | undefined {
  if (Array.from(password).length < LEAST_CHARACTERS)
    return `must have ${LEAST_CHARACTERS} characters or more`;
  if (Buffer.byteLength(password) > MOST_BYTES) return `must have ${MOST_BYTES} bytes or fewer`;
  if (password.toLowerCase().includes(name)) return 'must not contain the name of the account';
  return undefined;
}

/** What is stored of a password. */
export function hashPassword(password: string): Promise<string> {
  return bcrypt.hash(password, COST);
}

/** A hash that is nobody's, of the same cost: an account without a password takes as long to refuse as one with. */
const NOBODYS = `$2b$${COST}$${'.'.repeat(53)}`;

/** Whether a password is the one of a hash. Takes as long without a hash, and then is false. */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  // What is too long was never taken as a password; bcrypt would compare its beginning.
  const isPossible = Buffer.byteLength(password) <= MOST_BYTES;
  const isSame = await bcrypt.compare(password, hash ?? NOBODYS);
  return isSame && isPossible && hash !== undefined;
}
