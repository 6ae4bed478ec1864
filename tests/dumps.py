#!/usr/bin/env python3
"""The same labelled comments in every format that is read, to see that each teaches the same.

    tests/dumps.py DATA OUT [--comments 100000] [--hamlet target/release/hamlet]

DATA holds labelled sets as NAME.train.jsonl.gz (one JSON object a line with `content`, `label` spam/ham or toxic/ok and
perhaps `author`). Their comments, one of each set in turn and again with a number if there are too few, are
written to OUT as comments.jsonl, comments.csv (wp_comments by phpMyAdmin), comments.sql (mysqldump, with posts and
Akismet's wp_commentmeta), comments.xml (WXR; WordPress itself would leave the spam out, a hand-made one may have it) and
disqus.xml.
Ids, dates, e-mail addresses and posts are made up; each file has the same label, text, name and e-mail address in the same order,
and nothing else that a model looks at.

With --hamlet each file is read by `hamlet train FILE --dry-run --json`, and the counts and digests are compared: exit code
1 if they differ. Python's standard library is all it needs.
"""

import argparse
import gzip
import itertools
import json
import pathlib
import re
import subprocess
import sys
from xml.sax.saxutils import escape

MEANS = {"spam": "spam", "ham": "ham", "toxic": "ham", "ok": "ham"}
POSTS = 500
COLUMNS = (
    "comment_ID comment_post_ID comment_author comment_author_email comment_author_url comment_author_IP comment_date "
    "comment_date_gmt comment_content comment_karma comment_approved comment_agent comment_type comment_parent user_id"
).split()
# What no XML file may contain.
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def labelled(file, turn):
    """Label, text and name of each comment of a set."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            label = MEANS.get(row["label"])
            # XML parsers read a line end of two bytes as one in plain text; so does everyone here.
            text = NO_XML.sub("", row["content"]).replace("\r\n", "\n").replace("\r", "\n")
            if label is not None and text.strip():
                yield label, f"{text} ({turn})" if turn > 1 else text, NO_XML.sub("", str(row.get("author") or "")).strip()


def rows(folder, wanted):
    """`wanted` comments, one of each set in turn."""
    files = sorted(pathlib.Path(folder).glob("*.train.jsonl.gz"))
    if not files:
        sys.exit(f"{folder}: no NAME.train.jsonl.gz in it")
    made = turn = 0
    while True:
        turn += 1
        before = made
        for row in (row for rows in itertools.zip_longest(*(labelled(file, turn) for file in files)) for row in rows if row):
            label, text, author = row
            yield label, text, author or f"Reader {made % 9973}"
            made += 1
            if made == wanted:
                return
        if made == before:
            sys.exit(f"{folder}: no comment in it is labelled {', '.join(MEANS)}")


def comment(number, label, text, author):
    """The columns of wp_comments."""
    day, seconds = divmod(number * 97, 86_400)
    moment = f"20{10 + day // 336 % 15:02}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02} "
    moment += f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    mail = f"reader{number % 9973}@mail.example"
    approved = "spam" if label == "spam" else "1"
    # NULL where Disqus has no field for it: WordPress would write an empty one, and that a URL was left empty is told to a model.
    return (number, number % POSTS + 1, author, mail, None, None, moment, moment, text, 0, approved, None, "comment", 0, 0)


ESCAPES = str.maketrans({"\\": "\\\\", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z", '"': '\\"', "'": "\\'"})


def sql(value):
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + value.translate(ESCAPES) + "'"


def cdata(text):
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def jsonl(out, comments):
    for row in comments:
        label = "spam" if row[10] == "spam" else "ham"
        author = {"name": row[2], "email": row[3]}
        out.write(json.dumps({"id": row[0], "content": row[8], "label": label, "author": author, "date": row[7]}, ensure_ascii=False) + "\n")


def phpmyadmin(out, comments):
    for row in (COLUMNS, *comments):
        cells = ("NULL" if cell is None else '"' + str(cell).replace('"', '""') + '"' for cell in row)
        out.write(",".join(cells) + "\n")


def mysqldump(out, comments):
    def table(name, columns, lines, at_once=500):
        out.write(f"DROP TABLE IF EXISTS `{name}`;\nCREATE TABLE `{name}` (\n")
        out.write("".join(f"  `{column}` text NOT NULL,\n" for column in columns))
        out.write(f"  PRIMARY KEY (`{columns[0]}`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\nLOCK TABLES `{name}` WRITE;\n")
        for start in range(0, len(lines), at_once):
            values = ",".join("(" + ",".join(map(sql, line)) + ")" for line in lines[start : start + at_once])
            out.write(f"INSERT INTO `{name}` VALUES {values};\n")
        out.write("UNLOCK TABLES;\n\n")

    out.write("-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n/*!50503 SET NAMES utf8mb4 */;\n\n")
    meta = [(row[0], row[0], "akismet_result", "true" if row[10] == "spam" else "false") for row in comments]
    table("wp_commentmeta", ["meta_id", "comment_id", "meta_key", "meta_value"], meta)
    table("wp_comments", COLUMNS, comments)
    posts = [(number, f"It's post {number}; INSERT INTO `wp_comments` VALUES (1,'no');") for number in range(1, POSTS + 1)]
    table("wp_posts", ["ID", "post_content"], posts)
    out.write("-- Dump completed on 2024-06-01  3:00:00\n")


def wxr(out, comments):
    # Comments stand below their posts; to keep the order of the others a post comes again where its comment does.
    spaces = " ".join(
        f'xmlns:{name}="http://wordpress.org/export/1.2/{end}"' for name, end in (("excerpt", "excerpt/"), ("wp", ""))
    )
    out.write(f'<?xml version="1.0" encoding="UTF-8" ?>\n<rss version="2.0" {spaces}>\n<channel>\n<title>News</title>\n')
    out.write("<wp:wxr_version>1.2</wp:wxr_version>\n")
    for row in comments:
        out.write("<item>\n<title></title>\n<link></link>\n")
        out.write(f"<wp:post_id>{row[1]}</wp:post_id>\n<wp:comment>\n<wp:comment_id>{row[0]}</wp:comment_id>\n")
        for name, cell in zip(COLUMNS[2:-1], row[2:-1]):
            if cell is not None:
                out.write(f"<wp:{name}>{cdata(str(cell))}</wp:{name}>\n")
        out.write("<wp:comment_user_id>0</wp:comment_user_id>\n</wp:comment>\n</item>\n")
    out.write("</channel>\n</rss>\n")


def disqus(out, comments):
    out.write('<?xml version="1.0" encoding="utf-8"?>\n<disqus xmlns="http://disqus.com" ')
    out.write('xmlns:dsq="http://disqus.com/disqus-internals">\n')
    for number in range(1, POSTS + 1):
        out.write(f'<thread dsq:id="{number}">\n<id />\n<forum>news</forum>\n<link></link>\n<title></title>\n</thread>\n')
    for row in comments:
        is_spam = "true" if row[10] == "spam" else "false"
        out.write(f'<post dsq:id="{row[0]}">\n<id />\n<message>{cdata(row[8])}</message>\n')
        out.write(f"<createdAt>{row[7].replace(' ', 'T')}Z</createdAt>\n<isDeleted>false</isDeleted>\n<isSpam>{is_spam}</isSpam>\n")
        out.write(f"<author>\n<email>{escape(row[3])}</email>\n<name>{escape(row[2])}</name>\n<isAnonymous>true</isAnonymous>\n")
        out.write(f'</author>\n<ipAddress></ipAddress>\n<thread dsq:id="{row[1]}" />\n</post>\n')
    out.write("</disqus>\n")


FILES = {
    "comments.jsonl": jsonl,
    "comments.csv": phpmyadmin,
    "comments.sql": mysqldump,
    "comments.xml": wxr,
    "disqus.xml": disqus,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--comments", type=int, default=100_000)
    parser.add_argument("--hamlet", help="program that reads each file")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    comments = [comment(number, *row) for number, row in enumerate(rows(args.data, args.comments), 1)]
    told = {}
    for name, write in FILES.items():
        path = args.out / name
        with open(path, "w", encoding="utf-8", newline="") as out:
            write(out, comments)
        said = f"{path}: {path.stat().st_size / 1e6:.1f} MB"
        if args.hamlet:
            command = [args.hamlet, "train", str(path), "--dry-run", "--json"]
            answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            told[name] = [answer[key] for key in ("ham", "spam", "bad", "digest")]
            said += ", {} ham, {} spam, {} bad, digest {}".format(*told[name])
        print(said)
    if len({tuple(what) for what in told.values()}) > 1:
        sys.exit("the formats do not say the same")


if __name__ == "__main__":
    main()
