/** An SMTP server that keeps what it is sent. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

export interface Mail {
  to: string;
  /** The text part, decoded. */
  text: string;
}

export interface Mailbox {
  port: number;
  /** Returns the next message to an address with this in its text, and forgets it. */
  next: (to: string, part?: string) => Promise<Mail>;
  /** The messages that nobody has taken. */
  mails: Mail[];
  stop: () => void;
}

export async function startMailbox(): Promise<Mailbox> {
  const mails: Mail[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('220 test ready\r\n');
    let to = '';
    let lines: string[] | null = null;
    createInterface({ input: socket }).on('line', (line) => {
      if (lines) {
        if (line !== '.') {
          // The client doubles a dot that begins a line (RFC 5321, section 4.5.2).
          lines.push(line.replace(/^\./, ''));
          return;
        }
        mails.push({ to, text: textOf(lines.join('\n')) });
        lines = null;
        waiting.forEach((wake) => {
          wake();
        });
        socket.write('250 taken\r\n');
        return;
      }
      if (line.startsWith('RCPT')) to = /<(.*)>/.exec(line)?.[1] ?? '';
      if (line.startsWith('DATA')) lines = [];
      if (line.startsWith('EHLO')) socket.write('250-test\r\n250 8BITMIME\r\n');
      else if (line.startsWith('QUIT')) socket.end('221 bye\r\n');
      else socket.write(lines ? '354 go on\r\n' : '250 ok\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const next = async (to: string, part = ''): Promise<Mail> => {
    for (;;) {
      const at = mails.findIndex((mail) => mail.to === to && mail.text.includes(part));
      const [mail] = at < 0 ? [] : mails.splice(at, 1);
      if (mail) return mail;
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      });
    }
  };
  return { port: (server.address() as AddressInfo).port, next, mails, stop: () => server.close() };
}

/** Decodes the first part with plain text. */
function textOf(message: string): string {
  const [, part = ''] = /Content-Type: text\/plain[^]*?\n\n([^]*?)\n--/i.exec(message) ?? [];
  const [head = ''] = message.split(part, 1);
  if (/base64\s*$/i.test(head.trimEnd())) return Buffer.from(part, 'base64').toString();
  const joined = part.replace(/=\r?\n/g, '');
  const bytes = joined.replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}
