"""Builds the texts that the sample's model is trained, validated and judged on, from artifacts of Maven Central.

One file for each use and kind: FOLDER/{train,valid,held-out}/text.{java,kt,xml,md,txt,log}. Blank lines are dropped, as the
sample does not score them; everything else stays as its authors wrote it. Whole files go to validation, chosen by a hash of
their name. Nothing of a held-out project is in the other two.
"""

import concurrent.futures
import hashlib
import io
import os
import re
import sys
import urllib.request
import zipfile

import logs

HERE = os.path.dirname(os.path.abspath(__file__))
CENTRAL = os.environ.get("MAVEN_CENTRAL", "https://repo1.maven.org/maven2/")
KINDS = ("java", "kt", "xml", "md", "txt", "log")
MOST_OF_ONE_FILE = 60_000
MOST_OF_ONE_PROJECT = {"java": 2_500_000, "kt": 3_000_000, "xml": 150_000, "md": 400_000, "txt": 400_000}
LONGEST_LINE = 1_000
LOG_LINES = {"train": 90_000, "valid": 3_000, "held-out": 3_000}
USES = ("train", "valid", "held-out")


def corpus():
    with open(os.path.join(HERE, "corpus.txt")) as file:
        return [line.split() for line in file if not line.startswith("#")]


def address(coordinates, ending):
    group, artifact, version = coordinates.split(":")
    return "%s/%s/%s/%s-%s%s" % (group.replace(".", "/"), artifact, version, artifact, version, ending)


def fetch(path, folder):
    """Returns what Maven Central holds under a path, from the folder of earlier downloads if it is there."""
    kept = os.path.join(folder, path.replace("/", "_"))
    if not os.path.exists(kept):
        with urllib.request.urlopen(CENTRAL + path, timeout=120) as answer:
            body = answer.read()
        with open(kept + ".part", "wb") as file:
            file.write(body)
        os.replace(kept + ".part", kept)
    with open(kept, "rb") as file:
        return file.read()


def poms(coordinates, folder):
    """Yields the pom of an artifact and those of its parents."""
    while coordinates:
        body = fetch(address(coordinates, ".pom"), folder)
        yield coordinates, body
        text = re.sub(r"(?s)<!--.*?-->", "", body.decode("utf-8", "replace"))
        parent = re.search(r"(?s)<parent>(.*?)</parent>", text)
        parts = [re.search("<%s>\\s*([^<\\s]+)" % tag, parent.group(1)) for tag in ("groupId", "artifactId", "version")] if parent else [None]
        coordinates = ":".join(p.group(1) for p in parts) if all(parts) else None


def clean(body):
    """Returns the lines of a text that the sample would score, as bytes."""
    text = body.decode("utf-8", "ignore").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    kept = [line for line in text.split("\n") if line.strip() and len(line) <= LONGEST_LINE]
    return ("\n".join(kept) + "\n").encode("utf-8")[:MOST_OF_ONE_FILE] if kept else b""


def without_licence(text, name):
    """Drops the licence that most files begin with from three files of four: one is as good as a thousand."""
    if hashlib.sha256(name.encode()).digest()[1] % 4 == 0:
        return text
    start = re.search(r"^(package |import |@file)", text, re.M)
    return text[start.start():] if start else text


def prose(text):
    """Returns what the documentation comments of some Java text say, without their markup."""
    out = []
    for comment in re.findall(r"(?s)/\*\*(.*?)\*/", text):
        said = re.sub(r"(?m)^\s*\* ?", "", comment)
        said = re.split(r"(?m)^\s*@\w+", said)[0]
        said = re.sub(r"(?s)<pre>.*?</pre>|<table.*?</table>", "", said)
        said = re.sub(r"\{@\w+\s+([^}]*)\}", r"\1", said)
        said = re.sub(r"<[^>\n]+>", "", said).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&nbsp;", " ")
        lines = [line.strip() for line in said.split("\n")]
        said = "\n".join(line for line in lines if line)
        if len(said) > 160:
            out.append(said)
    return "\n".join(out)


def names_of(text):
    package = re.search(r"^package ([\w.]+);", text, re.M)
    name = re.search(r"\b(?:class|interface|enum) (\w+)", text)
    return ["%s.%s" % (package.group(1), name.group(1))] if package and name else []


def parts(coordinates, what, folder):
    """Yields (kind, name, text) of all that is read from one artifact."""
    for pom, body in poms(coordinates, folder):
        yield "xml", pom, body
    jar = fetch(address(coordinates, "-sources.jar" if what == "src" else ".jar"), folder)
    with zipfile.ZipFile(io.BytesIO(jar)) as archive:
        for name in sorted(archive.namelist()):
            ending = name.rsplit(".", 1)[-1].lower()
            base = name.rsplit("/", 1)[-1].upper()
            if what == "src" and ending in ("java", "kt"):
                text = without_licence(archive.read(name).decode("utf-8", "ignore"), name)
                yield ending, name, text.encode()
                if ending == "java":
                    yield "txt", name + "#prose", prose(text).encode()
                    yield "calls", name, text.encode()
            elif what == "src" and ending in ("xml", "xsd"):
                yield "xml", name, archive.read(name)
            elif ending == "md":
                yield "md", name, archive.read(name)
            elif what == "src" and ending == "txt" or base in ("LICENSE", "NOTICE", "LICENSE.TXT"):
                yield "txt", name, archive.read(name)


def read(row, folder):
    use, what, coordinates = row
    return [(use, coordinates, kind, name, body) for kind, name, body in parts(coordinates, what, folder)]


def prepare(folder):
    """Writes the texts below a folder and returns {path: SHA-256}."""
    downloads = os.path.join(folder, "downloads")
    os.makedirs(downloads, exist_ok=True)
    rows = corpus()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        read_all = pool.map(lambda row: read(row, downloads), rows)
        texts = {(use, kind): [] for use in USES for kind in KINDS}
        calls = {use: [] for use in USES}
        classes = {use: [] for use in USES}
        seen = set()
        for (_, _, coordinates), files in zip(rows, read_all):
            sizes = dict.fromkeys(KINDS, 0)
            for use, project, kind, name, body in files:
                key = hashlib.sha256(body).digest()
                if key in seen and kind != "calls":
                    continue
                seen.add(key)
                if use == "train" and hashlib.sha256(name.encode()).digest()[0] < 6:
                    use = "valid"
                if kind == "calls":
                    text = body.decode()
                    calls[use] += logs.messages(text)
                    classes[use] += names_of(text)
                    continue
                text = clean(body)
                if len(text) < 200 or sizes[kind] + len(text) > MOST_OF_ONE_PROJECT[kind]:
                    continue
                sizes[kind] += len(text)
                texts[use, kind].append(text)
            print("%-75s %s" % (coordinates, " ".join("%s %d" % (k, v) for k, v in sizes.items() if v)), flush=True)
    for seed, use in enumerate(USES):
        some = calls[use] if use != "valid" else calls["valid"] + calls["train"][:2000]
        texts[use, "log"] = [(line + "\n").encode() for line in logs.lines(seed + 1, some, classes[use], LOG_LINES[use])]
    sums = {}
    for (use, kind), found in texts.items():
        path = "%s/text.%s" % (use, kind)
        os.makedirs(os.path.join(folder, use), exist_ok=True)
        body = b"".join(found)
        with open(os.path.join(folder, path), "wb") as file:
            file.write(body)
        sums[path] = hashlib.sha256(body).hexdigest()
        print("%-20s %12d bytes %9d lines" % (path, len(body), body.count(b"\n")))
    return sums


if __name__ == "__main__":
    for path, found in prepare(sys.argv[1]).items():
        print(found, path)
