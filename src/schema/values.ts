import { Type } from './typebox.js';

/** What a string in the YAML means. The configuration loader reads it from the schema's `unit` and turns the text into the value. */
export type Unit = 'duration' | 'size' | 'rate' | 'secret';

interface Options {
  readonly description: string;
  readonly default?: string;
  readonly examples?: readonly string[];
  /** Bounds, themselves allowed, written as in the YAML. */
  readonly min?: string;
  readonly max?: string;
}

/** What becomes a timer: Node's fire at once above 2^31-1 ms (24.8 days), and zero ends what is timed before it began. */
export const TIMER = { min: '1ms', max: '24d' } as const;

/** What is compared with the clock: may last for years, and the sum of both must stay a date. */
export const AGE = { min: '1s', max: '36500d' } as const;

/** `10s`, `1h30m`: milliseconds inside. */
export const Duration = (options: Options) => Type.Unsafe<number>({ type: 'string', unit: 'duration' satisfies Unit, ...options });

/** `1MiB`, `500KB`: bytes inside. */
export const Size = (options: Options) => Type.Unsafe<number>({ type: 'string', unit: 'size' satisfies Unit, ...options });

/** `1/s`, `30/m`: a number a second inside. */
export const Rate = (options: Options) => Type.Unsafe<number>({ type: 'string', unit: 'rate' satisfies Unit, ...options });

/** A text that appears in no log, no answer and no error: it is redacted wherever the bridge shows what a far side said. */
export const Secret = (options: { readonly description: string; readonly examples?: readonly string[] }) =>
  Type.Unsafe<string>({ type: 'string', minLength: 1, unit: 'secret' satisfies Unit, ...options });

/** Every secret that is valid now: a list, so that rotation is adding one. */
export const Secrets = (options: { readonly examples: readonly (readonly string[])[]; readonly description?: string; readonly rotation?: string }) =>
  Type.Array(Secret({ description: options.description ?? 'a shared secret', examples: options.examples.flat() }), {
    minItems: 1,
    description: options.rotation ?? 'every secret that is valid now; to rotate: add the new one, change the sender, remove the old one',
    examples: options.examples,
  });

/** How far the time of a signed request may be from this machine's. */
export const Tolerances = {
  tolerance: Duration({ default: '5m', description: 'how old a signed request may be', ...AGE }),
  futureTolerance: Duration({ default: '30s', description: "how far ahead of this machine's clock the sender's may be" }),
};

/** A header of HTTP; case does not matter. */
export const HeaderName = (options: { readonly description: string; readonly examples: readonly string[] }) =>
  Type.String({ ...options, minLength: 1, pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" });

/** What a sink needs for TLS, where the system's authorities are not enough. PEM texts. */
export const TlsFiles = {
  ca: Type.Optional(
    Type.String({ description: 'PEM of the authorities to trust, in the place of the system’s', examples: ['${file:./certificates/ca.pem}'] }),
  ),
  cert: Type.Optional(Type.String({ description: 'PEM of the client’s certificate', examples: ['${file:./certificates/client.pem}'] })),
  key: Type.Optional(Secret({ description: 'PEM of the client’s key', examples: ['${file:./certificates/client.key}'] })),
};
