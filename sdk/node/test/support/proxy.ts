/**
 * A proxy in front of the real server, for what a healthy one cannot show.
 *
 * Each request takes the next of the given faults; when there are none left it is forwarded.
 */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

export type Fault =
  | 'forward'
  /** Closes the connection without an answer. */
  | 'reset'
  /** Forwards, then closes the connection in place of the answer. */
  | 'lose the answer'
  /** Sends half of an answer, then closes the connection. */
  | 'cut the answer'
  /** Never answers. */
  | 'hang'
  | { status: number; headers?: Record<string, string>; body?: string };

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Proxy {
  origin: string;
  baseUrl: string;
  /** Every request that came, with the faulty ones. */
  seen: Seen[];
  faults: Fault[];
  /** Called when a request hangs. */
  onHang: () => void;
  close(): Promise<void>;
}

/** `target` is the origin of the real server. */
export async function startProxy(target: string): Promise<Proxy> {
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing);
  });
  const proxy: Proxy = {
    origin: '',
    baseUrl: '',
    seen: [],
    faults: [],
    onHang: () => undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = (await incoming.setEncoding('utf8').toArray()).join('');
    const { method = '', url = '', headers } = incoming;
    proxy.seen.push({ method, url, headers, body });
    const fault = proxy.faults.shift() ?? 'forward';
    if (typeof fault === 'object') {
      outgoing.writeHead(fault.status, fault.headers).end(fault.body);
    } else if (fault === 'reset') {
      incoming.socket.destroy();
    } else if (fault === 'cut the answer') {
      outgoing.writeHead(200, { 'content-length': '100' }).write('{"data":');
      outgoing.socket?.end();
    } else if (fault === 'hang') {
      proxy.onHang();
    } else {
      const to = request(target + url, {
        method,
        headers: { ...headers, host: new URL(target).host },
      });
      to.on('error', () => incoming.socket.destroy());
      to.on('response', (answer) => {
        if (fault === 'lose the answer') {
          answer.resume().on('end', () => incoming.socket.destroy());
        } else {
          outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(outgoing);
        }
      });
      to.end(body);
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  proxy.baseUrl = `${proxy.origin}/v1`;
  return proxy;
}
