import { InvalidArgumentError } from 'commander';

/** Reads a number of an option. @throws InvalidArgumentError that says what it must be */
export function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = text.trim() === '' ? NaN : Number(text);
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** Reads a whole number of an option. @throws InvalidArgumentError that says what it must be */
export function wholeFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Gathers an option that may come several times. */
export function gathered(text: string, before: string[] = []): string[] {
  return [...before, text];
}
