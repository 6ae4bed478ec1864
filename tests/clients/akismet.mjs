// npm's akismet: the key is in the host name, plain HTTP, and whatever is not `true` is no spam.

import { promisify } from "node:util";
import akismet from "akismet";
import { check, counted, end, ham, keys, port, resolveLocalhost, spam } from "./checks.mjs";

resolveLocalhost();
function client(apiKey, options = {}) {
  const made = akismet.client({ blog: "https://akismet-js.example/", apiKey, host: "localhost", port, ...options });
  const asks = ["verifyKey", "checkComment", "checkSpam", "submitSpam", "submitHam"];
  return Object.fromEntries(asks.map((name) => [name, promisify(made[name].bind(made))]));
}
const usual = client(keys.usual);
const by = { user_ip: "192.0.2.7", comment_author: "Ann", comment_author_email: "ann@mail.example", permalink: "https://akismet-js.example/noise" };
const comment = (comment_content, options = {}) => ({ ...by, comment_content, ...options });

await check("a right key", () => usual.verifyKey(), true);
await check("a wrong key", () => client(keys.wrong).verifyKey(), false);
await check("a check with a wrong key", () => client(keys.wrong).checkComment(comment(spam)), false);
await check("a key of the host's own", () => client(keys.wrong, { endPoint: `${keys.usual}.localhost` }).checkComment(comment(spam)), true);
await check("a good comment", () => usual.checkComment(comment(ham)), false);
await check("spam", () => usual.checkSpam(comment(`${spam} again`)), true);
await check("the name that is always spam", () => usual.checkComment(comment(ham, { comment_author: "viagra-test-123" })), true);
await check("the name that is always discarded", () => usual.checkComment(comment(ham, { comment_author: "viagra-test-discard" })), true);
await check("an administrator", () => usual.checkComment(comment(spam, { user_role: "administrator", is_test: 1 })), false);
await check("another alphabet", () => usual.checkComment(comment("شكرا على هذا المقال، استفدت منه كثيرا وسأعود إليه.")), false);
await check("a comment that is held", () => client(keys.holding).checkComment(comment(ham)), true);
await check("missed spam", () => usual.submitSpam(comment(ham)), undefined);
await check("a good comment taken for spam", () => usual.submitHam(comment(spam)), undefined);
await check("what was counted", () => counted(keys.usual, "akismet-js.example"), { spam: "2", ham: "2", missed_spam: "1", false_positives: "1" });
end("npm akismet");
