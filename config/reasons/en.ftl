# What Hamlet says to people, in English. What each rule found is said in src/rules/mod.rs, what each composite found in
# config/rules.toml; this file has the sentences around it and the evidence that neither gave. The files of other languages have a message for each symbol besides.
#
# A symbol's message is a noun phrase without a full stop: it stands in `approve` … `discard` after the colon, and in
# `otherwise-…`.

approve = Approved: { $because }.
hold = Held for review: { $because }.
spam = Marked as spam: { $because }.
discard = Discarded: { $because }.
shadow = Let through in shadow mode; else: { $sentence }

nothing = nothing in it looks like spam
small-signs = small signs of spam add up

with-note = { $says } ({ $note })
with-entry = { $says }: { $note }
quoted = "{ $words }"
and = { $head }, { $next }
and-last = { $head } and { $next }

# What would have changed the verdict.
otherwise-approve = Without { $what } it would have been approved.
otherwise-hold = Without { $what } it would have been held for review.
otherwise-spam = Without { $what } it would have been marked as spam.

# A person's word.
said-ham = { $by } said that this is ham.
said-spam = { $by } said that this is spam.
decided-approve = { $by } decided: approve.
decided-hold = { $by } decided: hold.
decided-spam = { $by } decided: spam.
decided-discard = { $by } decided: discard.
campaign-approve = Approved like all of campaign { $campaign }: a person decided so.
campaign-hold = Held for review like all of campaign { $campaign }: a person decided so.
campaign-spam = Marked as spam like all of campaign { $campaign }: a person decided so.
campaign-discard = Discarded like all of campaign { $campaign }: a person decided so.

# For who wrote the comment: nothing here tells how it was judged.
commenter-approved = Your comment is published.
commenter-held = Your comment is held for review.
commenter-rejected = Your comment was not published.

# Fields that were not sent.
not-sent = Not sent: { $fields }.
field-author-name = the author's name
field-author-email = the author's e-mail address
field-author-url = the author's web address
field-author-user_agent = the browser's name
field-author-role = the author's role
field-referrer = the referring page
field-honeypot = the hidden field
field-form_seconds = the time taken to write

# Evidence that is no rule's. `-ham`: when it speaks for the comment.
PRIOR = the share of spam among all comments
BOUND = the limit of how sure a verdict may be
BAYES = words that are common in spam
BAYES-ham = words that are common in ordinary comments
BAYES_SITE = words of comments that this site's moderators called spam
BAYES_SITE-ham = words of comments that this site's moderators called ham
ROLE_STAFF = an author who is trusted here
ALLOW_LIST = an entry of the allow list
BLOCK_LIST = an entry of the block list
COUNTRY_POLICY = a country from which comments are looked at first
