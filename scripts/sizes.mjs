// Prints sizes in kB and fails when one exceeds its limit.

/** `rows` are [name, bytes, limit in kB]. */
export function report(rows) {
  // The reader may close the pipe early, as `head` does.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
  for (const [name, bytes, limit] of rows) {
    const isOver = bytes > limit * 1000;
    if (isOver) process.exitCode = 1;
    const size = (bytes / 1000).toFixed(2);
    process.stdout.write(`${isOver ? '✗' : '✓'} ${name}: ${size} of ${String(limit)} kB\n`);
  }
}
