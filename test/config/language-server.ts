import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node.js';

const CONFIG = new URL('../../config/', import.meta.url);

/** The line every configuration begins with, so that editors know its schema. */
const SCHEMA_LINE = `# yaml-language-server: $schema=${new URL('bridge.schema.json', CONFIG).href}\n`;

/** What an editor underlines: line and column count from 1. */
export interface Diagnostic {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The language server that editors run for YAML, over its protocol. */
export interface LanguageServer {
  diagnostics(yaml: string): Promise<readonly Diagnostic[]>;
  /** What is offered where `|` stands. */
  completions(yaml: string): Promise<readonly string[]>;
  /** What is shown of the word where `|` stands. */
  hover(yaml: string): Promise<string>;
  stop(): Promise<void>;
}

interface Published {
  readonly uri: string;
  readonly diagnostics: readonly { readonly range: { readonly start: Position }; readonly message: string }[];
}

interface Position {
  readonly line: number;
  readonly character: number;
}

export async function startLanguageServer(): Promise<LanguageServer> {
  const main = createRequire(import.meta.url).resolve('yaml-language-server');
  const bin = join(dirname(main), '../../../bin/yaml-language-server');
  const child = spawn(process.execPath, [bin, '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const connection = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  const waiting = new Map<string, (published: Published) => void>();
  connection.onNotification('textDocument/publishDiagnostics', (published: Published) => waiting.get(published.uri)?.(published));
  connection.onRequest('workspace/configuration', ({ items }: { items: readonly unknown[] }) => items.map(() => ({})));
  connection.onRequest('client/registerCapability', () => null);
  connection.listen();
  const textDocument = { completion: { completionItem: { snippetSupport: true } }, publishDiagnostics: {} };
  await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities: { textDocument } });
  await connection.sendNotification('initialized', {});
  const settings = { yaml: { validate: true, hover: true, completion: true, schemaStore: { enable: false } } };
  await connection.sendNotification('workspace/didChangeConfiguration', { settings });

  let documents = 0;
  const open = async (yaml: string): Promise<Published> => {
    const uri = new URL(`open-${documents++}.yaml`, CONFIG).href;
    const published = new Promise<Published>((resolve) => waiting.set(uri, resolve));
    await connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text: SCHEMA_LINE + yaml } });
    return published;
  };
  const ask = async (method: string, yaml: string): Promise<unknown> => {
    const { uri } = await open(yaml.replace('|', ''));
    const before = (SCHEMA_LINE + yaml.slice(0, yaml.indexOf('|'))).split('\n');
    const position: Position = { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
    return connection.sendRequest(method, { textDocument: { uri }, position });
  };

  return {
    async diagnostics(yaml) {
      const { diagnostics } = await open(yaml);
      // The schema's line is not the caller's.
      return diagnostics
        .map(({ range: { start }, message }) => ({ line: start.line, column: start.character + 1, message }))
        .sort((a, b) => a.line - b.line || a.column - b.column);
    },
    async completions(yaml) {
      const answer = (await ask('textDocument/completion', yaml)) as { readonly items: readonly { readonly label: string }[] };
      return answer.items.map(({ label }) => label);
    },
    async hover(yaml) {
      const answer = (await ask('textDocument/hover', yaml)) as { readonly contents: { readonly value: string } } | null;
      return answer?.contents.value ?? '';
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      connection.dispose();
      child.kill();
      await ended;
    },
  };
}

/** A file of the project, without the line that names its schema. */
export function withoutSchemaLine(file: string): string {
  return readFileSync(file, 'utf8').replace(/^# yaml-language-server:.*\n/, '');
}
