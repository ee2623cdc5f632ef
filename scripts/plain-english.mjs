// Checks the English of the repository. Prints `file:line` for each finding and fails on any.
//
// 1. A doc comment starts with a verb (Returns, Charges) or with the noun that it defines.
// 2. Some words and phrases have a plain equivalent; see CONTRIBUTING.md.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The first words that no doc comment starts with. */
const OPENINGS = /^(?:What|Whatever|Who|Whoever|Whom|Whose|How)\b/;

/** The phrases that no text contains, each with its plain equivalent. */
const PHRASES = [
  [/\bwhoever\b/i, 'name the actor'],
  [/\bwhosever\b/i, 'name the actor'],
  [/\bof (?:it|them)sel(?:f|ves)\b/i, 'automatically'],
  [/\bby itself\b/i, 'automatically'],
  [/\bgoes back\b/i, 'is refunded, or returns'],
];

const COMMENTS = {
  rs: /^\s*\/\/[/!]\s?(.*)$/,
  ts: /^\s*(?:\/\*\*|\*(?!\/))\s?(.*)$/,
  py: /^\s*(?:"""|#)\s?(.*)$/,
};
COMMENTS.tsx = COMMENTS.js = COMMENTS.mjs = COMMENTS.ts;

/** These quote the phrases as examples, or are third-party or generated. */
const EXCLUDED =
  /^(?:scripts\/plain-english\.mjs|CONTRIBUTING\.md|CHANGELOG\.md|package-lock\.json|crates\/portal-assets\/dist\/)/;

const files = execFileSync('git', ['ls-files', ...process.argv.slice(2)], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => /\.(?:rs|ts|tsx|js|mjs|py|md)$/.test(file) && !EXCLUDED.test(file));

const findings = files.flatMap(check);
for (const finding of findings) process.stdout.write(`${finding}\n`);
if (findings.length > 0) {
  process.stderr.write(`${String(findings.length)} findings\n`);
  process.exitCode = 1;
}

function check(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const comment = COMMENTS[file.split('.').at(-1)];
  let isInComment = false;
  return lines.flatMap((line, index) => {
    const text = comment?.exec(line)?.[1];
    // In a comment of several lines only the first sentence opens it.
    const isFirst = text !== undefined && text !== '' && !isInComment;
    isInComment = text !== undefined && (isInComment || text !== '') && !line.includes('*/');
    const at = `${file}:${String(index + 1)}:`;
    const opening =
      isFirst && OPENINGS.test(text) ? [`${at} a doc comment opens with "${text}"`] : [];
    const phrases = PHRASES.filter(([phrase]) => phrase.test(line)).map(
      ([phrase, plain]) => `${at} "${phrase.exec(line)[0]}": ${plain}`,
    );
    return [...opening, ...phrases];
  });
}
