// npm's @cedx/akismet: the key is in the form, and a debug-help or alert header is an error whatever the body says.

import { Author, AuthorRole, Blog, CheckResult, Client, Comment, CommentType } from "@cedx/akismet";
import { base, check, counted, end, ham, keys, spam } from "./checks.mjs";

const blog = new Blog({ charset: "UTF-8", languages: ["fr", "en"], url: "https://cedx.example/" });
const client = (key, options = {}) => new Client(key, blog, { baseUrl: base, ...options });
const usual = client(keys.usual);
const author = (options = {}) => new Author({ ipAddress: "192.0.2.7", userAgent: "Firefox", name: "Ann", url: "https://ann.example/", ...options });
const comment = (content, by = {}, options = {}) =>
  new Comment({
    author: author(by),
    content,
    context: ["bicycles", "workshop"],
    date: new Date(),
    permalink: "https://cedx.example/noise",
    postModified: new Date(),
    referrer: "https://search.example/",
    type: CommentType.comment,
    ...options,
  });

await check("a right key", () => usual.verifyKey(), true);
await check("a wrong key", () => client(keys.wrong).verifyKey(), false);
await check("a check with a wrong key", () => client(keys.wrong).checkComment(comment(ham)), "Error: No site has this key.");
await check("no blog", () => new Client(keys.usual, new Blog(), { baseUrl: base }).checkComment(comment(ham)), "Error: Missing required field: blog.");
await check("a good comment", () => usual.checkComment(comment(ham)), CheckResult.ham);
await check("spam", () => usual.checkComment(comment(spam)), CheckResult.spam);
await check("the name that is always spam", () => usual.checkComment(comment(ham, { name: "viagra-test-123" })), CheckResult.spam);
await check("the address that is always spam", () => usual.checkComment(comment(ham, { email: "akismet-guaranteed-spam@example.com" })), CheckResult.spam);
await check("the name that is always discarded", () => usual.checkComment(comment(ham, { name: "viagra-test-discard" })), CheckResult.pervasiveSpam);
await check("a comment that is discarded", () => client(keys.discarding).checkComment(comment(ham)), CheckResult.pervasiveSpam);
await check("a comment that is held", () => client(keys.holding).checkComment(comment(ham)), CheckResult.spam);
await check("an administrator", () => client(keys.usual, { isTest: true }).checkComment(comment(spam, { role: AuthorRole.administrator })), CheckResult.ham);
await check("a test", () => client(keys.usual, { isTest: true }).checkComment(comment(spam)), CheckResult.spam);
await check("a re-check", () => usual.checkComment(comment(spam, {}, { recheckReason: "edit" })), CheckResult.spam);
await check("missed spam", () => usual.submitSpam(comment(ham)), undefined);
await check("a good comment taken for spam", () => usual.submitHam(comment(spam)), undefined);
await check("a word with a wrong key", () => client(keys.wrong).submitHam(comment(ham)), "Error: No site has this key.");
await check("what was counted", () => counted(keys.usual, "cedx.example"), { spam: "1", ham: "1", missed_spam: "1", false_positives: "1" });
end("npm @cedx/akismet");
