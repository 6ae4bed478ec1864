# Was Hamlet Menschen sagt, auf Deutsch. en.ftl erklärt, was wo steht; für jedes Symbol aus src/rules/mod.rs steht hier
# ein Satzteil im Nominativ, ohne Punkt und ohne Nebensatz: er kann mitten in einer Aufzählung stehen.

approve = Freigegeben: { $because }.
hold = Zur Prüfung zurückgehalten: { $because }.
spam = Als Spam eingestuft: { $because }.
discard = Verworfen: { $because }.
shadow = Im Schattenmodus durchgelassen; sonst: { $sentence }

nothing = nichts darin sieht nach Spam aus
small-signs = kleine Anzeichen von Spam summieren sich

with-note = { $says } ({ $note })
with-entry = { $says }: { $note }
quoted = „{ $words }“
and = { $head }, { $next }
and-last = { $head } und { $next }

otherwise-approve = Ohne Folgendes wäre der Kommentar freigegeben worden: { $what }.
otherwise-hold = Ohne Folgendes wäre der Kommentar nur zur Prüfung zurückgehalten worden: { $what }.
otherwise-spam = Ohne Folgendes wäre der Kommentar nur als Spam eingestuft worden: { $what }.

said-ham = { $by } hat gesagt: kein Spam.
said-spam = { $by } hat gesagt: Spam.
decided-approve = { $by } hat entschieden: freigeben.
decided-hold = { $by } hat entschieden: zurückhalten.
decided-spam = { $by } hat entschieden: Spam.
decided-discard = { $by } hat entschieden: verwerfen.

commenter-approved = Der Kommentar ist veröffentlicht.
commenter-held = Der Kommentar wird vor der Veröffentlichung geprüft.
commenter-rejected = Der Kommentar wurde nicht veröffentlicht.

not-sent = Nicht übermittelt: { $fields }.
field-author-name = Name des Verfassers
field-author-email = E-Mail-Adresse des Verfassers
field-author-url = Webadresse des Verfassers
field-author-user_agent = Name des Browsers
field-author-role = Rolle des Verfassers
field-referrer = verweisende Seite
field-honeypot = verstecktes Feld
field-form_seconds = Dauer des Schreibens

PRIOR = der Anteil von Spam an allen Kommentaren
BOUND = die Obergrenze für die Sicherheit eines Urteils
BAYES = für Spam typische Wörter
BAYES-ham = für gewöhnliche Kommentare typische Wörter
BAYES_SITE = Wörter aus hier als Spam markierten Kommentaren
BAYES_SITE-ham = Wörter aus hier als erwünscht markierten Kommentaren
ROLE_STAFF = ein hier als vertrauenswürdig geltender Verfasser
ALLOW_LIST = ein Eintrag der Positivliste
BLOCK_LIST = ein Eintrag der Sperrliste

ZW_IN_WORD = unsichtbare Zeichen mitten in Wörtern
BIDI_OVERRIDE = textumkehrende Zeichen
BIDI_MARK_STUFFING = Richtungszeichen mitten in Wörtern
MIXED_SCRIPT_WORD = Wörter mit ähnlich aussehenden Buchstaben zweier Schriften
HOMOGLYPH_WORD = ein Spamwort aus ähnlich aussehenden Buchstaben
STYLED_LETTERS = mathematische oder verzierte Buchstaben
FULLWIDTH_LATIN = lateinische Buchstaben in voller Breite
ZALGO_COMBINING = Berge von Akzenten und Zeichen über Buchstaben
TAG_OR_VARIATION_PAYLOAD = verborgene Zeichen mit Daten
PRIVATE_USE_CHARS = Zeichen ohne Bedeutung
LEET_WORD = ein mit Ziffern oder Sonderzeichen geschriebenes Spamwort
GAPPY_WORD = ein gesperrt geschriebenes Spamwort

LINKS_MANY = viele Links
DOMAINS_MANY = Links zu vielen verschiedenen Websites
LINK_DENSITY = mehr Link als Text
URL_ONLY = ein Link und kaum ein Wort
ANCHOR_BBCODE = Links in Forencode
ANCHOR_MULTI_SYNTAX = Links in mehreren Schreibweisen zugleich
ANCHOR_TEXT_MISMATCH = ein Link auf eine andere Website als die genannte
HIDDEN_TEXT = vor Lesern versteckter Text
URL_SHORTENER = Links über einen Kürzungsdienst
OPEN_REDIRECT = Links über eine fremde Weiterleitung
URL_HOMOGRAPH = ein Hostname aus ähnlich aussehenden Buchstaben
URL_RAW_IP = Links zu einer nackten IP-Adresse
URL_USERINFO = Links mit einem Benutzernamen vor dem Host
URL_ODD_PORT = Links zu einem ungewöhnlichen Port
URL_DEEP_SUBDOMAIN = Hostnamen aus vielen Teilen
URL_OBFUSCATED_TEXT = am Filter vorbeigeschriebene Links
URL_SUSPICIOUS_TLD = Links unter einer bei Spammern beliebten Endung
URL_FREE_HOST = Links zu einer kostenlos gehosteten Seite
URL_SCRIPT = Links mit Skript
MESSENGER_LINK = Links in einen Messenger
ZW_IN_URL = unsichtbare Zeichen in einem Link
URL_SPAM_WORD = Spamwörter in einer Adresse

NAME_IS_URL = eine Adresse als Name des Verfassers
NAME_KEYWORD = Spamwörter im Namen des Verfassers
NAME_TEMPLATE = ein Name wie aus einem Generator
NAME_HAS_PHONE = eine Telefonnummer im Namen des Verfassers
NAME_IN_ANCHOR = ein mit dem Namen des Verfassers gezeichneter Link
AUTHOR_URL_DEEP = eine werbende Adresse des Verfassers
EMAIL_DISPOSABLE = eine Wegwerf-E-Mail-Adresse
EMAIL_LINK_DOMAIN = Links zur Domain der eigenen E-Mail-Adresse

HONEYPOT_FILLED = ein ausgefülltes verstecktes Feld
FORM_TOO_FAST = ein zu schnell abgeschicktes Formular
REFERRER_FOOTPRINT = eine Suche nach Orten für Spam
UA_BOT = ein Programm statt eines Browsers
UA_MISSING = ein leerer Browsername
TEMPLATE_SPINTAX = eine nicht ausgefüllte Vorlage
EXPLOIT_PAYLOAD = ein Angriff auf die Website
TRACKBACK_TEMPLATE = die Floskeln von Trackback-Automaten
LLM_BOILERPLATE = Selbstauskünfte eines Textgenerators

SPAM_CASINO = Wörter aus Glücksspiel-Spam
SPAM_PHARMA = Wörter aus Arznei- und Diät-Spam
SPAM_LOANS = Wörter aus Kredit-Spam
SPAM_MONEY = Versprechen von leichtem Geld
SPAM_CRYPTO = Wörter aus Trading-Spam
SPAM_SEO = Wörter aus Suchmaschinen-Spam
SPAM_ADULT = Wörter aus Sex-Spam
SPAM_ESSAY = Arbeiten und Urkunden zum Kauf
SPAM_REPLICA = Wörter aus Spam für Fälschungen
SPAM_STREAMING = Wörter aus Spam für Raubkopien
SPAM_FOLLOWERS = Follower zum Kauf
SPAM_OCCULT = Zauber, Wunderheilungen und zurückgeholtes Geld
SPAM_SERVICES = Werbung für örtliche Dienste
SPAM_PROMOTION = Werbung für den eigenen Kanal oder die eigene Seite
PRAISE_PLUS_LINK = leeres Lob mit einem Link
PHONE_NUMBER = eine Telefonnummer
MESSENGER_CALL = ein Aufruf zum Kontakt über einen Messenger
EMAIL_IN_BODY = eine E-Mail-Adresse im Text
CRYPTO_ADDRESS = eine Kryptowährungsadresse
WORD_REPEAT = immer wieder dieselben Wörter
KEYWORD_LIST = eine Liste von Suchwörtern
SHOUTING = durchgehend Großbuchstaben
PUNCTUATION_RUN = Reihen von Ausrufezeichen
EMOJI_MANY = viele Emojis
HASHTAGS_MANY = viele Hashtags

AR_TATWEEL_STUFFING = am Filter vorbei gedehnte Wörter
AR_DIACRITIC_STUFFING = Vokalzeichen an falscher Stelle
AR_LOOKALIKE_MIX = ein Spamwort in persischen oder Urdu-Buchstaben
AR_PRESENTATION_FORMS = arabische Buchstaben in Druckformen
AR_MIXED_DIGITS = eine Zahl in Ziffern zweier Schriften
AR_CHAIN_PRAYER = ein Kettenbrief mit einem Link

URL_OWN_SITE = nur Links auf diese Website
AUTHOR_MEMBER = ein Mitglied der Website
