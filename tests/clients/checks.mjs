// What the scripts for npm's clients share: where the daemon is, a table of checks, and what the daemon counted.

import dns from "node:dns";
import { isDeepStrictEqual } from "node:util";

const from = process.env;
export const port = Number(from.DAEMON_PORT);
export const base = `http://127.0.0.1:${port}`;
/** Sites that do what is usual, hold everything, and discard everything; and a key that no site has. */
export const keys = { usual: from.KEY_USUAL, holding: from.KEY_HOLDING, discarding: from.KEY_DISCARDING, wrong: "000000000000" };

export const ham = "I changed the bottom bracket last week, as you advised, and the noise is gone. Thank you all!";
export const spam = "Buy cheap viagra online casino bonus [url=http://casino.example]casino[/url] https://bit.ly/x";

/** Stands for the operator's wildcard DNS: KEY.localhost is this machine, which not every resolver knows. */
export function resolveLocalhost() {
  const asked = dns.lookup;
  dns.lookup = (name, options, callback) => asked(/(^|\.)localhost$/.test(name) ? "127.0.0.1" : name, options, callback);
}

let done = 0;
let failed = 0;

/** Compares what `ask` resolves to with `expected`; what it throws is `Error: …`. */
export async function check(what, ask, expected) {
  let found;
  try {
    found = await ask();
  } catch (error) {
    found = `${error.name}: ${error.message}`;
  }
  done += 1;
  if (!isDeepStrictEqual(found, expected)) {
    failed += 1;
    console.error(`  ${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  }
}

/** What the daemon has counted of `blog` this month under `key`. */
export async function counted(key, blog) {
  const answer = await fetch(`${base}/1.2/key-sites?api_key=${key}&filter=${blog}`);
  const { limit, offset, total, ...months } = await answer.json();
  const [{ spam, ham, missed_spam, false_positives }] = Object.values(months)[0];
  return { spam, ham, missed_spam, false_positives };
}

export function end(client) {
  console.log(`${client}: ${done - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
