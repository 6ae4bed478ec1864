// npm's akismet-api: the key is in the host name, verify-key asks the bare host.

import { AkismetClient } from "akismet-api";
import { check, counted, end, ham, keys, port, resolveLocalhost, spam } from "./checks.mjs";

resolveLocalhost();
const blog = "https://akismet-api.example/";
const client = (key) => new AkismetClient({ key, blog, host: `localhost:${port}`, protocol: "http", lang: "en, fr_ca", charset: "UTF-8" });
const usual = client(keys.usual);
const by = { ip: "192.0.2.7", useragent: "Firefox", referer: "https://search.example/", name: "Ann", email: "ann@mail.example" };
const answered = async (response) => [(await response).status, (await response).text];
const thanks = [200, "Thanks for making the web a better place."];

await check("a right key", () => usual.verifyKey(), true);
await check("a wrong key", () => client(keys.wrong).verifyKey(), false);
await check("a check with a wrong key", () => client(keys.wrong).checkSpam({ ...by, content: ham }), "Error: Invalid API key");
await check("a good comment", () => usual.checkSpam({ ...by, content: ham, type: "comment" }), false);
await check("spam", () => usual.checkSpam({ ...by, content: spam }), true);
await check("the name that is always spam", () => usual.checkSpam({ ...by, name: "viagra-test-123", content: ham }), true);
await check("the address that is always spam", () => usual.checkSpam({ ...by, email: "akismet-guaranteed-spam@example.com" }), true);
await check("the name that is always discarded", () => usual.checkSpam({ ...by, name: "viagra-test-discard" }), true);
await check("an administrator", () => usual.checkSpam({ ...by, content: spam, role: "administrator", isTest: true }), false);
await check("a filled honeypot", () => usual.checkSpam({ ...by, content: "A word from a robot.", honeypot: "x" }), true);
await check("an empty honeypot", () => usual.checkSpam({ ...by, content: `${ham} Ann`, honeypot_field_name: "trap", trap: "" }), false);
await check("a comment that is held", () => client(keys.holding).checkSpam({ ...by, content: ham }), true);
await check("nothing but an address", () => usual.checkSpam({ ip: "192.0.2.8" }), false);
await check("no address", () => usual.checkSpam({ content: ham }), "Error: Invalid API key");
await check("missed spam", () => answered(usual.submitSpam({ ...by, content: ham })), thanks);
await check("missed spam, said twice", () => answered(usual.submitSpam({ ...by, content: ham })), thanks);
await check("a good comment taken for spam", () => answered(usual.submitHam({ ...by, content: spam })), thanks);
await check("a word with a wrong key", () => answered(client(keys.wrong).submitHam({ ...by, content: ham })), [200, "invalid"]);
// Fixed values and tests are not counted.
await check("what was counted", () => counted(keys.usual, "akismet-api.example"), { spam: "2", ham: "3", missed_spam: "1", false_positives: "1" });
end("npm akismet-api");
