import pino from 'pino';

/** JSON lines on standard error: standard output belongs to the console sink. Written at once: the last line before a crash is the one that is wanted. */
export function createLog(level: string): pino.Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
