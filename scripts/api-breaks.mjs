// Prints what of an OpenAPI description breaks clients of an earlier one, and fails on any.
//   node scripts/api-breaks.mjs EARLIER LATER
//
// A client sends requests and reads responses that the earlier description allows. New paths,
// optional parameters, optional fields of requests and fields of responses break nothing.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** Returns the breaks as sentences. */
export function breaks(earlier, later) {
  const found = [];
  for (const [path, methods] of Object.entries(earlier.paths)) {
    for (const method of METHODS.filter((name) => name in methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      const now = later.paths[path]?.[method];
      if (now === undefined) found.push(`${name} is gone`);
      else found.push(...operation(name, methods[method], now, { earlier, later }));
    }
  }
  return [...new Set(found)];
}

function operation(name, before, now, documents) {
  return [
    ...parameters(name, before.parameters ?? [], now.parameters ?? [], documents),
    ...bodies(`${name}, request`, content(before.requestBody), content(now.requestBody), {
      ...documents,
      isRequest: true,
    }),
    ...(now.requestBody?.required && !before.requestBody?.required
      ? [`${name} requires a body`]
      : []),
    ...credentials(name, before.security ?? [], now.security ?? []),
    ...Object.entries(before.responses).flatMap(([status, response]) => {
      const answer = now.responses[status];
      if (answer === undefined)
        return status < '300' ? [`${name} no longer answers ${status}`] : [];
      const seen = content(resolved(response, documents.earlier));
      const shown = content(resolved(answer, documents.later));
      return bodies(`${name}, ${status}`, seen, shown, { ...documents, isRequest: false });
    }),
  ];
}

function parameters(name, before, now, documents) {
  const key = (one) => `${one.in} ${one.name}`;
  const rest = { ...documents, isRequest: true };
  const gone = before.flatMap((one) => {
    const other = now.find((candidate) => key(candidate) === key(one));
    if (other === undefined) return [`${name} no longer takes ${key(one)}`];
    const narrower = schemas(`${name}, ${key(one)}`, one.schema, other.schema, rest);
    return other.required && !one.required
      ? [`${name} requires ${key(one)}`, ...narrower]
      : narrower;
  });
  const added = now
    .filter((one) => one.required && !before.some((other) => key(other) === key(one)))
    .map((one) => `${name} requires ${key(one)}`);
  return [...gone, ...added];
}

/** Each way to authenticate must still be accepted, with no more scopes. */
function credentials(name, before, now) {
  const accepted = (one) =>
    now.length === 0 ||
    now.some((other) =>
      Object.entries(other).every(
        ([scheme, scopes]) => scheme in one && scopes.every((scope) => one[scheme].includes(scope)),
      ),
    );
  return before
    .filter((one) => !accepted(one))
    .map((one) => `${name} no longer accepts ${JSON.stringify(one)}`);
}

const content = (message) => message?.content ?? {};

function bodies(where, before, now, rest) {
  return Object.entries(before).flatMap(([type, { schema }]) =>
    now[type] === undefined
      ? [`${where}: ${type} is gone`]
      : schemas(where, schema ?? {}, now[type].schema ?? {}, rest),
  );
}

function resolved(schema, document) {
  if (schema?.$ref === undefined) return schema;
  const target = schema.$ref
    .split('/')
    .slice(1)
    .reduce((node, key) => node?.[key], document);
  return resolved(target, document);
}

function schemas(where, before, now, rest, seen = new Set()) {
  const pair = `${JSON.stringify(before)} ${JSON.stringify(now)}`;
  if (seen.has(pair)) return [];
  const deeper = new Set(seen).add(pair);
  const was = resolved(before, rest.earlier);
  const is = resolved(now, rest.later);
  const next = (place, one, other) => schemas(place, one, other, rest, deeper);
  return [
    ...types(where, was, is, rest.isRequest),
    ...words(where, was, is, rest.isRequest),
    ...fields(where, was, is, rest.isRequest, next),
    ...(was.items && is.items ? next(`${where}[]`, was.items, is.items) : []),
    ...choices(where, was, is, next),
  ];
}

function types(where, was, is, isRequest) {
  const list = (schema) => [schema.type ?? []].flat();
  const [before, now] = [list(was), list(is)];
  if (before.length === 0 || now.length === 0) return [];
  // A request may be anything that it could be; a response must stay what it was.
  const [all, within] = isRequest ? [before, now] : [now, before];
  const changed = all.filter(
    (type) => !within.includes(type) && !(type === 'integer' && within.includes('number')),
  );
  return changed.length > 0 ? [`${where} was ${before.join('|')} and is ${now.join('|')}`] : [];
}

/** A new word in a response is no break: clients are told to expect unknown ones. */
function words(where, was, is, isRequest) {
  if (was.enum === undefined) {
    return isRequest && is.enum !== undefined ? [`${where} takes fewer values`] : [];
  }
  const gone = was.enum.filter((word) => !(is.enum ?? was.enum).includes(word));
  return gone.map((word) => `${where} no longer has the value ${JSON.stringify(word)}`);
}

function fields(where, was, is, isRequest, next) {
  const [before, now] = [was.properties ?? {}, is.properties ?? {}];
  const [needed, needs] = [was.required ?? [], is.required ?? []];
  const kept = Object.entries(before).flatMap(([name, schema]) =>
    name in now ? next(`${where}.${name}`, schema, now[name]) : [`${where}.${name} is gone`],
  );
  const presence = isRequest
    ? needs.filter((name) => !needed.includes(name)).map((name) => `${where}.${name} is required`)
    : needed
        .filter((name) => name in now && !needs.includes(name))
        .map((name) => `${where}.${name} may be absent`);
  return [...kept, ...presence];
}

/** Compares alternatives in their order. */
function choices(where, was, is, next) {
  return ['oneOf', 'anyOf', 'allOf'].flatMap((kind) => {
    const [before, now] = [was[kind] ?? [], is[kind] ?? []];
    if (before.length > now.length) return [`${where} has fewer alternatives`];
    return before.flatMap((one, at) => next(`${where}(${String(at + 1)})`, one, now[at]));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [earlier, later] = process.argv
    .slice(2)
    .map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const found = breaks(earlier, later);
  for (const line of found) process.stdout.write(`${line}\n`);
  process.exitCode = found.length > 0 ? 1 : 0;
}
