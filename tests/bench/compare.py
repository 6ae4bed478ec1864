#!/usr/bin/env python3
"""Hamlet beside scikit-learn: the same training parts, the same held-out parts, side by side.

    tests/bench/compare.py DATA [--hamlet target/release/hamlet] [--part dev] [--set NAME…] [--speed FILE]

DATA holds labelled sets as NAME.train.jsonl.gz and NAME.PART.jsonl.gz (a JSON object a line, `content` and `label`). Each set is
trained on its training part alone and judged on the other; whatever is chosen (smoothing, strength of regularisation) is chosen by
cross-validation inside the training part. `tubespam` is five sets, one a video, as in the published protocol; its row is their mean
MCC and their pooled shares.

Peers: tf-idf of words with multinomial naive Bayes, and tf-idf of character 2-5-grams with logistic regression. Hamlet is shown
twice: its classifier alone, and with its rules, as it serves. Intervals are 95 %: Wilson's for shares, bootstrap of comments for MCC.

With --leave-one-language-out it trains the shipped recipe again and again, each time without any set of one language, and tells how
much of that language's ordinary comments the model would then block: what a language meets that the shipped model was not trained on.

With --speed FILE (a labelled JSON Lines file, plain) it trains on that file with Hamlet and with HashingVectorizer + MultinomialNB
(partial_fit, the way scikit-learn streams), end to end, and tells how many times as long scikit-learn took: with words alone, and
with what Hamlet reads as well (words and pairs of words, runs of 3 to 5 characters within words).

scikit-learn is installed into a virtual environment beside the build if it is not there. None of this is needed to build or test.
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VIDEOS = ["Psy", "KatyPerry", "LMFAO", "Eminem", "Shakira"]
SETS = ["tubespam", "sms_spam", "blog_django_cast", "id_judol_youtube", "ar_spam_tweets", "tr_sms", "zh_telegram"]


def with_scikit_learn():
    """Starts again inside a virtual environment that has scikit-learn."""
    try:
        import sklearn  # noqa: F401
    except ImportError:
        home = ROOT / "target" / "compare-venv"
        if not (home / "bin" / "python3").exists():
            subprocess.run([sys.executable, "-m", "venv", home], check=True)
            subprocess.run([home / "bin" / "pip", "install", "-q", "scikit-learn"], check=True)
        os.execv(home / "bin" / "python3", [str(home / "bin" / "python3"), *sys.argv])


def read(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def parts(data, name, part):
    """The pairs of rows to train on and to judge that make up one set."""
    train, held_out = read(data / f"{name}.train.jsonl.gz"), read(data / f"{name}.{part}.jsonl.gz")
    if name != "tubespam":
        return [(train, held_out)]
    return [([r for r in train if r["video"] == v], [r for r in held_out if r["video"] == v]) for v in VIDEOS]


def of_scikit_learn(train, held_out):
    """What the peers say: name to a list of blocked-or-not."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts, labels = [r["content"] for r in train], [r["label"] == "spam" for r in train]
    smallest = min(sum(labels), len(labels) - sum(labels))
    peers = {
        "tf-idf + multinomial NB": (
            make_pipeline(TfidfVectorizer(), MultinomialNB()), {"multinomialnb__alpha": [1.0, 0.1, 0.01]}),
        "char 2-5 + logistic": (
            make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(2, 5)), LogisticRegression(max_iter=2000)),
            {"logisticregression__C": [1.0, 10.0, 100.0]}),
    }
    # Large sets: the grid costs minutes and changes nothing; the middle of it is taken.
    said = {}
    for name, (pipeline, grid) in peers.items():
        if len(train) > 6000:
            pipeline.set_params(**{key: values[1] for key, values in grid.items()})
            model = pipeline.fit(texts, labels)
        else:
            folds = StratifiedKFold(min(5, smallest), shuffle=True, random_state=0)
            model = GridSearchCV(pipeline, grid, scoring="matthews_corrcoef", cv=folds).fit(texts, labels)
        said[name] = [bool(x) for x in model.predict([r["content"] for r in held_out])]
    return said


def of_hamlet(hamlet, folder, train, held_out):
    """What Hamlet says, its classifier alone and with rules."""
    train_file, model = write(folder / "train.jsonl", train), folder / "model.hamlet"
    comments = [{"content": row["content"], "author": {"name": row.get("author")}} for row in held_out]
    run = lambda *words: subprocess.run([hamlet, *words], check=True, capture_output=True, text=True).stdout
    run("train", train_file, "--held-out", "0", "--promote", "never", "--out", model)
    lines = run("check", write(folder / "held.jsonl", comments), "--model", model, "--json").splitlines()
    alone, whole = [], []
    for line in lines:
        verdict = json.loads(line)
        alone.append(sum(e["weight"] for e in verdict["evidence"] if e["symbol"] in ("PRIOR", "BAYES")) >= 0)
        whole.append(verdict["decision"] != "approve")
    return {"Hamlet, classifier alone": alone, "Hamlet, with rules": whole}


def mcc(pairs):
    caught = sum(1 for spam, blocked in pairs if spam and blocked)
    missed = sum(1 for spam, blocked in pairs if spam and not blocked)
    wrong = sum(1 for spam, blocked in pairs if not spam and blocked)
    passed = sum(1 for spam, blocked in pairs if not spam and not blocked)
    product = (caught + wrong) * (caught + missed) * (passed + wrong) * (passed + missed)
    return (caught * passed - wrong * missed) / math.sqrt(product) if product else 0.0


def wilson(hits, of, z=1.959964):
    if of == 0:
        return "-"
    share, root = hits / of, math.sqrt(hits / of * (1 - hits / of) / of + z * z / (4 * of * of))
    middle, width = share + z * z / (2 * of), z * root
    low, high = ((middle + sign * width) / (1 + z * z / of) for sign in (-1, 1))
    return f"{100 * share:.1f} ({100 * max(low, 0):.1f}-{100 * high:.1f})"


def told(groups):
    """`groups`: for each part of a set, pairs of is-spam and was-blocked."""
    chance = random.Random(7)
    mean = lambda groups: sum(map(mcc, groups)) / len(groups)
    draws = sorted(mean([chance.choices(pairs, k=len(pairs)) for pairs in groups]) for _ in range(1000))
    every = [pair for pairs in groups for pair in pairs]
    spam, ham = [b for s, b in every if s], [b for s, b in every if not s]
    return (f"{mean(groups):.3f} ({draws[25]:.3f}-{draws[974]:.3f})", wilson(sum(spam), len(spam)), wilson(sum(ham), len(ham)))


def compare(data, part, hamlet, sets):
    print(f"{'set':<18} {'n':>6}  {'who':<26} {'MCC':<22} {'caught spam %':<20} blocked ham %")
    for name in sets:
        if not (data / f"{name}.{part}.jsonl.gz").exists():
            continue
        verdicts = {}
        for train, held_out in parts(data, name, part):
            truth = [r["label"] == "spam" for r in held_out]
            with tempfile.TemporaryDirectory() as folder:
                said = {**of_scikit_learn(train, held_out), **of_hamlet(hamlet, pathlib.Path(folder), train, held_out)}
            for who, blocked in said.items():
                assert len(blocked) == len(truth), f"{who} judged {len(blocked)} of {len(truth)}"
                verdicts.setdefault(who, []).append(list(zip(truth, blocked)))
        for who, groups in verdicts.items():
            n = sum(map(len, groups))
            print(f"{name:<18} {n:>6}  {who:<26} {'{:<22} {:<20} {}'.format(*told(groups))}", flush=True)


LANGUAGES = {"tubespam": "en", "blog_django_cast": "en", "sms_spam": "en"}


def leave_one_language_out(data, part, hamlet):
    """Trains the recipe without each language in turn and judges that language's ham."""
    import tomllib

    text = (ROOT / "models" / "default.toml").read_text(encoding="utf-8")
    head, *blocks = text.split("[[set]]")
    language = lambda name: LANGUAGES.get(name, name.split("_")[0])
    made_up = [block for block in blocks if tomllib.loads(block)["file"].startswith("./")]
    sets = [(tomllib.loads(block)["file"].split(".")[0], block) for block in blocks if block not in made_up]
    every = sorted(path.name.split(".")[0] for path in data.glob(f"*.{part}.jsonl.gz"))
    trained = sorted({language(name) for name, _ in sets})
    print(f"{'left out':<10} {'set':<20} {'ham':>6}  blocked ham % with rules")
    for left_out in trained + [None]:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            kept = [block for name, block in sets if language(name) != left_out]
            (folder / "recipe.toml").write_text("[[set]]".join([head, *kept, *made_up]), encoding="utf-8")
            # A set of another language may hold some comments of this one.
            for path in [*data.glob("*.train.jsonl.gz"), *(ROOT / "models").glob("*.jsonl")]:
                rows = [row for row in read(path) if row.get("lang") != left_out]
                write(folder / path.name, rows)
            words = ["train", "--recipe", folder / "recipe.toml", "--data", folder, "--held-out", "0", "--promote", "never"]
            subprocess.run([hamlet, *words, "--out", folder / "model.hamlet"], check=True, capture_output=True)
            for name in every:
                # The last round is the whole recipe, asked about the languages that are in no set of it.
                if language(name) != left_out and (left_out or language(name) in trained):
                    continue
                ham = [row for row in read(data / f"{name}.{part}.jsonl.gz") if row["label"] in ("ham", "ok")]
                if not ham:
                    continue
                file = write(folder / "ham.jsonl", [{"content": row["content"]} for row in ham])
                said = subprocess.run([hamlet, "check", file, "--model", folder / "model.hamlet", "--json"], check=True, capture_output=True, text=True)
                blocked = sum(json.loads(line)["decision"] != "approve" for line in said.stdout.splitlines())
                print(f"{left_out or '-':<10} {name:<20} {len(ham):>6}  {wilson(blocked, len(ham))}", flush=True)


def speed(hamlet, file):
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_union

    hashing = lambda **words: HashingVectorizer(alternate_sign=False, n_features=2**18, **words)
    peers = {
        "words": hashing(),
        "words 1-2, characters 3-5": make_union(hashing(ngram_range=(1, 2)), hashing(analyzer="char_wb", ngram_range=(3, 5))),
    }
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        words = ["train", file, "--held-out", "0", "--promote", "never", "--out", pathlib.Path(folder) / "model.hamlet"]
        subprocess.run([hamlet, *words], check=True, capture_output=True)
        ours = time.time() - started
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"Hamlet: {ours:.1f} s, {memory} MB at most", flush=True)
    for name, vectorizer in peers.items():
        started, model, count, batch = time.time(), MultinomialNB(), 0, []

        def learn():
            labels = [row["label"] == "spam" for row in batch]
            model.partial_fit(vectorizer.transform([row["content"] for row in batch]), labels, [False, True])

        with open(file, encoding="utf-8") as lines:
            for line in lines:
                batch.append(json.loads(line))
                count += 1
                if len(batch) == 10_000:
                    learn()
                    batch = []
        if batch:
            learn()
        theirs = time.time() - started
        print(f"HashingVectorizer ({name}) + MultinomialNB: {theirs:.1f} s for {count} comments, {theirs / ours:.2f} times as long", flush=True)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("data", type=pathlib.Path, nargs="?")
    asked.add_argument("--hamlet", type=pathlib.Path, default=ROOT / "target" / "release" / "hamlet")
    asked.add_argument("--part", default="dev")
    asked.add_argument("--set", nargs="+", default=SETS)
    asked.add_argument("--leave-one-language-out", action="store_true")
    asked.add_argument("--speed", type=pathlib.Path)
    asked = asked.parse_args()
    if asked.leave_one_language_out:
        leave_one_language_out(asked.data, asked.part, asked.hamlet)
        sys.exit()
    with_scikit_learn()
    if asked.data:
        compare(asked.data, asked.part, asked.hamlet, asked.set)
    if asked.speed:
        speed(asked.hamlet, asked.speed)
