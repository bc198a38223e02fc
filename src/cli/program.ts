import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Writable } from 'node:stream';
import { EXIT, Failure } from './exit.js';
import type { Invocation } from './invocation.js';
import { createProgress } from './progress.js';
import { version } from './version.js';

const CONFIG = 'config/bridge.yaml';
const CODES =
  '\nExit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 the bridge cannot be reached, 70 a fault of castbridge itself, 130 interrupted.';

const SENDING = `
One attempt from this machine, with the sink’s own timeout: without retries, pacing, routes and the store. The event has the type castbridge.test and the
severity info, and its message says who sent it; a text that shows event.data alone shows no such label.
The answer is no (1) where it is not delivered. Ctrl-C ends it.`;

/** Where a command writes: the process has them. */
export interface Streams {
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
}

/** Runs one command line, and answers its exit code. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv, { stdout, stderr }: Streams): Promise<number> {
  // `… | head` closes the pipe, a disk is full: what nobody can read is not missed.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  const out = (line: string): void => void stdout.write(`${line}\n`);
  const err = (line: string): void => void stderr.write(`${line}\n`);
  const program = new Command('castbridge')
    .description('Forwards Cast AI webhook events to Kafka, Slack and HTTP without losing one.')
    .version(version())
    .addHelpText('after', CODES)
    .showHelpAfterError('(--help tells more)')
    .configureOutput({ writeOut: (text) => void stdout.write(text), writeErr: (text) => void stderr.write(text) });
  let code: number = EXIT.done;
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).option('--config <file>', 'configuration file', CONFIG).addHelpText('after', CODES);
  // A command brings its own imports: `--help` does not wait for what `serve` needs.
  const runs =
    (load: () => Promise<(invocation: Invocation, ...rest: never[]) => Promise<number>>) =>
    async (...given: unknown[]): Promise<void> => {
      const self = given.at(-1) as Command;
      const options = self.opts<{ config: string; json?: boolean }>();
      const progress = createProgress(stderr, () => performance.now());
      const invocation: Invocation = { config: options.config, env, json: options.json === true, out, err, progress };
      const action = await load();
      code = await action(invocation, ...(given.slice(0, -1) as never[]));
    };

  command('serve', 'run the bridge; at SIGHUP, and when its file changes, it reads its configuration again')
    .option('--no-watch', 'a file that changes is read again at SIGHUP or POST /-/reload alone')
    .addOption(new Option('--log-level <level>', 'least severe log line').choices(['debug', 'info', 'warn', 'error', 'silent']).default('info'))
    .action(
      runs(async () => {
        // Until `serve` listens itself, a SIGHUP must not end it; the file is read after that.
        process.on('SIGHUP', () => undefined);
        return (await import('./serve.js')).serve;
      }),
    );
  command('check', 'validate a configuration: one line a problem')
    .argument('[file...]', 'configuration files, in the place of --config')
    .addOption(new Option('--format <format>', 'how they are told; github: as annotations').choices(['text', 'json', 'github']))
    .option('--json', 'one JSON document')
    .option('--strict', 'a warning is a no, too')
    .action(runs(async () => (await import('./check.js')).check));
  command('diff', 'what a file would change about the configuration in force')
    .argument('[file]', 'the file; without it, the one of --config as it is now')
    .option('--against <file>', 'compare with this file, in the place of the running bridge')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nThe answer is no (exit 1) where anything would change. The running bridge is found by --config.')
    .action(runs(async () => (await import('./diff.js')).diff));
  command('test', 'run the tests of the routing table; nothing is sent')
    .argument('[file]', 'configuration file, in the place of --config')
    .option('--tests <file>', 'a further file of tests; may be given again', (file: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      file,
    ])
    .option('--all-rows', 'a row that no test matches is a no, too')
    .option('--json', 'one JSON document')
    .action(runs(async () => (await import('./test.js')).test));
  command('explain', 'what would become of an event, row by row, and what would be sent; nothing is')
    .argument('[file]', 'the body of the event, as it is posted; - and none is standard input')
    .option('--source <name>', 'the source it comes to; needed where there is more than one')
    .option('--header <line>', 'a header it comes with, where the format reads one, as in "x-github-event: push"; may be repeated', collected)
    .option('--id <id>', 'an event of the running bridge, in the place of a file: the sender’s id, or the bridge’s')
    .option('--all', 'every row of a long table')
    .option('--json', 'one JSON document for each event: a body may hold several')
    .addHelpText('after', '\nThe answer is no (1) where no event can be made of the body, it owes nothing, or a message could not be sent.')
    .action(runs(async () => (await import('./explain.js')).explain));
  command('send', 'send one labelled test message to one sink, and say what came back; no bridge has to run')
    .argument('[file]', 'configuration file, in the place of --config')
    .option('--sink <name>', 'the sink; needed where there is more than one')
    .option('--data <file>', 'JSON file for `event.data`, where a text of the sink reads it; - is standard input')
    .option('--json', 'one JSON document; what a console sink writes stands before it')
    .addHelpText('after', SENDING)
    .action(runs(async () => (await import('./send.js')).send));
  command('source', 'how to set up the sender of a source: what to put into its form, and a line for curl that tries it')
    .argument('[name]', 'the source; needed where there is more than one')
    .option('--url <url>', 'by which the sender reaches the bridge, as in https://hooks.example.com')
    .option('--reveal', 'show the secret: its first, where there are several')
    .option('--json', 'one JSON document')
    .action(runs(async () => (await import('./source.js')).source));
  command('listen', 'show what arrives at a source, and what becomes of it, while it happens')
    .argument('[name]', 'the source; all of them, where none is named')
    .option('--json', 'JSON Lines')
    .addHelpText('after', '\nCtrl-C ends it (0).')
    .action(runs(async () => (await import('./listen.js')).listen));
  command('asyncapi', 'the Kafka topics of a configuration as an AsyncAPI 3.0 document: addresses, keys, headers, values')
    .argument('[file]', 'configuration file, in the place of --config')
    .option('--json', 'JSON, in the place of YAML')
    .addHelpText('after', '\nThe answer is no (1) where no sink is of the type kafka. No secret is in it.')
    .action(runs(async () => (await import('./asyncapi.js')).asyncapi));
  command('trigger', 'post signed test events')
    .argument('<type>', 'type of the event: resource.created, test, …')
    .option('--url <url>', 'where to post it; without it, the first source of the configuration that is signed')
    .option('--data <file>', 'JSON file for `data`; - is standard input')
    .option('--id <id>', 'id of the event; without it, a random one each')
    .option('--secret-file <file>', 'file with the secret; without it, the source’s own, from the configuration')
    .option('--count <n>', 'how many events', wholeNumber, 1)
    .option('--rate <n>', 'events a second at most', positive)
    .option('--json', 'one JSON document')
    .action(runs(async () => (await import('./trigger.js')).trigger));
  command('deliveries', 'list deliveries, newest event first')
    .addOption(new Option('--state <state>', 'only those in this state').choices(['waiting', 'delivered', 'dead']))
    .option('--sink <name>', 'only those of this sink')
    .option('--reason <reason>', 'only those with this reason: unrouted, http_400, …')
    .option('--limit <n>', 'how many at most', wholeNumber, 100)
    .option('--json', 'JSON Lines')
    .action(runs(async () => (await import('./deliveries.js')).deliveries));
  const events = program.command('events').description('look at events').addHelpText('after', CODES);
  events
    .command('show')
    .description('one event’s whole story')
    .argument('<id>', 'the sender’s id, or the bridge’s')
    .option('--config <file>', 'configuration file', CONFIG)
    .option('--json', 'one JSON document')
    .addHelpText('after', CODES)
    .action(runs(async () => (await import('./events.js')).eventsShow));
  command('replay', 'send deliveries again, with the same delivery id')
    .argument('[id...]', 'deliveries, or events: then all their dead deliveries')
    .option('--sink <name>', 'all of this sink')
    .option('--reason <reason>', 'all with this reason')
    .addOption(new Option('--state <state>', 'with --sink or --reason: which ones; dead, where it is not given').choices(['dead', 'delivered']))
    .option('--json', 'one JSON document')
    .action(runs(async () => (await import('./replay.js')).replay));
  command('forget', 'let an event in again that its sender sends again under the same id')
    .argument('<id...>', 'ids of the sender')
    .option('--json', 'one JSON document')
    .action(runs(async () => (await import('./forget.js')).forget));

  for (const one of [program, ...program.commands, ...events.commands]) one.exitOverride();
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Failure) {
      err(`castbridge: ${error.message}`);
      return error.code;
    }
    err(`castbridge: a fault of its own, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return EXIT.fault;
  }
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('it is a whole number from 1 on.');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1e6)) throw new InvalidArgumentError('it is a number above 0.');
  return value;
}
