import { setIn } from '../../shared/runtime/environment.ts';
import { canInstallPackages, installPackages } from './provision/packages.ts';
import { ProvisionError, findProgram } from './provision/run.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** A Chromium to drive in tests: the one of CHROMIUM_PATH, one on PATH, or the system's package. @throws ProvisionError */
export async function provideChromium(say: (words: string) => void): Promise<string> {
  const present =
    setIn(process.env).CHROMIUM_PATH ?? NAMES.map(findProgram).find((path) => path !== undefined);
  if (present !== undefined) return present;
  if (!canInstallPackages())
    throw new ProvisionError(
      'The tests drive a real Chromium, and there is none. As root: apt-get install chromium. Or name one: CHROMIUM_PATH=… npm test',
    );
  say('· Chromium: none found; installing the system’s package …');
  await installPackages(['chromium']);
  const installed = findProgram('chromium');
  if (installed === undefined)
    throw new ProvisionError('the package chromium was installed, but brought no program');
  return installed;
}
