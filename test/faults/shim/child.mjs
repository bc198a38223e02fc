// A small process under the shim. Does each line of its input, and answers with a line: node child.mjs DIRECTORY.
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from '@photostructure/sqlite';

const directory = process.argv[2];
const file = (name) => join(directory, name);
const open = new Map();
let database;

const commands = {
  open: (name, flags = 'w+') => void open.set(name, openSync(file(name), flags)),
  close: (name) => closeSync(open.get(name)),
  write: (name, text, at = null) => writeSync(open.get(name), text, at === null ? null : Number(at)),
  truncate: (name, length) => ftruncateSync(open.get(name), Number(length)),
  fsync: (name) => fsyncSync(open.get(name)),
  fdatasync: (name) => fdatasyncSync(open.get(name)),
  unlink: (name) => unlinkSync(file(name)),
  rename: (from, to) => renameSync(file(from), file(to)),
  syncNames: () => {
    const fd = openSync(directory, 'r');
    fsyncSync(fd);
    closeSync(fd);
  },
  clocks: () => `${Date.now()} ${performance.now()}`,
  database: (name) => {
    database = new DatabaseSync(file(name));
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 20; create table t (a, b)');
  },
  insert: (count) => {
    const insert = database.prepare('insert into t values (?, randomblob(2000))');
    for (let n = 0; n < Number(count); n++) insert.run(n);
  },
  closeDatabase: () => database.close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(' ');
  try {
    console.log(String(commands[command](...args) ?? 'done'));
  } catch (error) {
    console.log(error.code ?? error.message);
  }
}
