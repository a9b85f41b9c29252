import type { ProviderMaker } from '../../../shared/delivery/index.ts';
import { smtpProvider } from './smtp.ts';

/** Every provider of e-mail, by the name that settings and records call it. */
export const EMAIL_PROVIDERS = { smtp: smtpProvider } satisfies Record<string, ProviderMaker>;
