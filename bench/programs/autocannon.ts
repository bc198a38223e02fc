// Where there is no wrk: sends the requests of a file, one after the other, each once. Arguments: URL FILE BYTES COUNT CONNECTIONS SECONDS. Prints one line of JSON.
import autocannon from 'autocannon';
import { openSync, readSync } from 'node:fs';

const [url = '', file = '', bytes, count, connections, seconds] = process.argv.slice(2);
const input = openSync(file, 'r');
const bytesOfOne = Buffer.alloc(Number(bytes));
/** It also makes some that it does not send. */
let made = 0;
let exhausted = 0;

const instance = autocannon(
  {
    url,
    connections: Number(connections),
    duration: Number(seconds),
    requests: [
      {
        setupRequest: (request) => {
          if (made === Number(count)) {
            exhausted = 1;
            instance.stop();
            return { ...request, method: 'GET', path: '/nothing' };
          }
          readSync(input, bytesOfOne, 0, bytesOfOne.length, made * bytesOfOne.length);
          made += 1;
          const [head = '', body = ''] = bytesOfOne.toString('latin1').split('\r\n\r\n');
          const [line = '', ...headers] = head.split('\r\n');
          return {
            ...request,
            method: 'POST',
            path: line.split(' ')[1] ?? '/',
            // It adds its own of these.
            headers: Object.fromEntries(
              headers.map((header) => header.split(': ') as [string, string]).filter(([name]) => !/^(host|content-length)$/.test(name)),
            ),
            body,
          };
        },
      },
    ],
  },
  (error: Error | null, result) => {
    if (error !== null) throw error;
    const { p50, p99, p99_9: p999 } = result.latency;
    const requests = result['2xx'] + result.non2xx;
    console.log(
      JSON.stringify({
        requests,
        durationMs: result.duration * 1_000,
        refused: result.non2xx,
        broken: result.errors,
        sent: result.requests.sent,
        exhausted,
        p50,
        p99,
        p999,
      }),
    );
  },
);
