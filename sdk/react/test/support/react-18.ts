/** Gives React 18 to the libraries that ask for React; Vite's alias reaches our own files alone. */
import Module from 'node:module';

type Resolve = (request: string, ...rest: unknown[]) => string;

const loader = Module as unknown as { _resolveFilename: Resolve };
const resolve = loader._resolveFilename;
loader._resolveFilename = (request, ...rest) =>
  resolve(request.replace(/^react(-dom)?(?=$|\/)/, 'react$1-18'), ...rest);
