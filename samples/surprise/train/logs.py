"""Generated log lines: the layouts of well-known loggers around messages that the libraries really log."""

import re

CALL = re.compile(r'\b(?:LOG|log|logger|LOGGER)\s*\.\s*(trace|debug|info|warn|error)\s*\(\s*"((?:[^"\\\n]|\\.){12,160})"')
WORDS = ("orders payments users sessions carts invoices shipments reports metrics events tasks jobs topics partitions tenants devices "
         "images documents search mail audit billing catalog gateway inventory scheduler worker ingest export cache index").split()
HOSTS = "web db cache queue search mail node worker edge api".split()
PATHS = "api v1 v2 items list export status health login logout search static img js css admin report download".split()
ERRORS = ("java.io.IOException java.lang.IllegalStateException java.net.SocketTimeoutException java.lang.NullPointerException "
          "java.util.concurrent.TimeoutException java.net.ConnectException java.lang.IllegalArgumentException "
          "java.sql.SQLException java.nio.file.NoSuchFileException java.lang.InterruptedException").split()
REASONS = ["Connection reset by peer", "Connection refused", "Read timed out", "Broken pipe", "No such file or directory",
           "Permission denied", "No space left on device", "Too many open files", "Address already in use", "unexpected end of stream"]
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0", "Go-http-client/1.1",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
          "kube-probe/1.29", "python-requests/2.31.0", "Prometheus/2.51.0"]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Dice:
    """A linear congruential generator: the same numbers with every version of Python."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound

    def one(self, things):
        return things[self.below(len(things))]

    def hex(self, digits):
        return "".join("0123456789abcdef"[self.below(16)] for _ in range(digits))


def messages(java):
    """Returns (level, message) of every call of a logger in some Java text."""
    found = []
    for level, text in CALL.findall(java):
        text = text.replace('\\"', '"').replace("\\n", " ").replace("\\t", " ").replace("\\'", "'").strip()
        if "\\" not in text:
            found.append((level.upper(), text))
    return found


def value(dice):
    kind = dice.below(12)
    if kind < 4:
        return str(dice.below(10 ** (1 + dice.below(6))))
    if kind < 6:
        return dice.one(WORDS) + "-" + str(dice.below(64))
    if kind == 6:
        return "/" + "/".join(dice.one(PATHS) for _ in range(1 + dice.below(3)))
    if kind == 7:
        return "10.%d.%d.%d:%d" % (dice.below(256), dice.below(256), dice.below(256), 1024 + dice.below(60000))
    if kind == 8:
        return "%s-%d.example.com" % (dice.one(HOSTS), dice.below(20))
    if kind == 9:
        return dice.hex(8)
    if kind == 10:
        return "%d ms" % dice.below(5000)
    return dice.one(WORDS)


def fill(dice, message):
    """Replaces placeholders, and gives a message that ends in a colon or an equals sign its value."""
    text = re.sub(r"\{\d*\}|%[-0-9.]*[sdfx]", lambda _: value(dice), message)
    return text + " " + value(dice) if text[-1] in ":=" else text


class Clock:
    def __init__(self, dice):
        self.dice, self.ms = dice, 0
        self.jump()

    def jump(self):
        d = self.dice
        self.y, self.mo, self.d = 2019 + d.below(8), 1 + d.below(12), 1 + d.below(28)
        self.ms = d.below(86_000_000)

    def tick(self):
        self.ms = (self.ms + self.dice.below(1 + 10 ** (1 + self.dice.below(4)))) % 86_400_000

    def hms(self):
        s = self.ms // 1000
        return "%02d:%02d:%02d" % (s // 3600, s // 60 % 60, s % 60)


def lines(seed, calls, classes, count):
    """Yields log lines in blocks of one layout each, as the files of many programs would have them."""
    dice = Dice(seed)
    clock = Clock(dice)
    made = 0
    while made < count:
        layout = dice.below(14)
        clock.jump()
        app, host, pid = dice.one(WORDS) + "-service", "%s-%d" % (dice.one(HOSTS), dice.below(20)), 100 + dice.below(60000)
        some = [dice.one(calls) for _ in range(40)]
        where = [dice.one(classes) for _ in range(8)]
        for _ in range(30 + dice.below(200)):
            clock.tick()
            for line in layout_lines(dice, clock, layout, app, host, pid, dice.one(some), dice.one(where)):
                yield line
                made += 1


def layout_lines(dice, clock, layout, app, host, pid, call, name):
    level, message = call[0], fill(dice, call[1])
    day, hms, ms = "%04d-%02d-%02d" % (clock.y, clock.mo, clock.d), clock.hms(), clock.ms % 1000
    short, thread = name.rsplit(".", 1)[-1], dice.one(["main", "http-nio-8080-exec-%d" % dice.below(30), "pool-%d-thread-%d" % (1 + dice.below(4), 1 + dice.below(16)),
                                                        "scheduling-1", "%s-%d" % (dice.one(WORDS), dice.below(9)), "Thread-%d" % dice.below(40)])
    if layout == 0:
        line = "%s %s,%03d %-5s %s [] - %s" % (day, hms, ms, level, name, message)
    elif layout == 1:
        line = "%s %s.%03d [%s] %-5s %s - %s" % (day, hms, ms, thread, level, name, message)
    elif layout == 2:
        line = "%sT%s.%03dZ %5s %d --- [%s] [%15.15s] %-40s : %s" % (day, hms, ms, level, pid, app, thread, name[-40:], message)
    elif layout == 3:
        line = "[%s %s,%03d] %s %s (%s)" % (day, hms, ms, level, message, name)
    elif layout == 4:
        line = '10.%d.%d.%d - - [%02d/%s/%d:%s +0000] "%s /%s HTTP/1.1" %s %d "-" "%s"' % (
            dice.below(4), dice.below(256), dice.below(256), clock.d, MONTHS[clock.mo - 1], clock.y, hms, dice.one(["GET", "GET", "GET", "POST", "HEAD"]),
            "/".join(dice.one(PATHS) for _ in range(1 + dice.below(3))), dice.one(["200", "200", "200", "304", "404", "301", "500"]), dice.below(60000), dice.one(AGENTS))
    elif layout == 5:
        line = "%s %2d %s %s %s[%d]: %s" % (MONTHS[clock.mo - 1], clock.d, hms, host, dice.one(["sshd", "systemd", "kernel", "cron", "dockerd", app]), pid, message)
    elif layout == 6:
        line = '{"timestamp":"%sT%s.%03dZ","level":"%s","logger":"%s","thread":"%s","message":"%s"}' % (day, hms, ms, level, name, thread, message.replace('"', "'"))
    elif layout == 7:
        line = "%s %s [%s] %s %s" % (hms, level, thread, short, message)
    elif layout == 8:
        line = "%s.%03d [%s] %-5s %s -- %s" % (hms, ms, thread, level, name, message)
    elif layout == 9:
        line = 'time="%sT%sZ" level=%s msg="%s" component=%s' % (day, hms, level.lower(), message.replace('"', "'"), dice.one(WORDS))
    elif layout == 10:
        used, after = 200 + dice.below(4000), 20 + dice.below(180)
        line = "[%sT%s.%03d+0000][info][gc] GC(%d) Pause Young (Normal) (G1 Evacuation Pause) %dM->%dM(%dM) %d.%03dms" % (
            day, hms, ms, dice.below(9000), used, after, 4096, dice.below(40), dice.below(1000))
    elif layout == 11:
        line = "%s [%s] %s: %s" % (level, thread, name, message)
    elif layout == 12:
        line = "%s %s %s %s:%d - %s" % (day, hms, level, short, 10 + dice.below(900), message)
    else:
        line = "%s/%s/%s %s [%s] %d#0: *%d %s, client: 10.0.%d.%d, server: %s, request: \"GET /%s HTTP/1.1\"" % (
            clock.y, "%02d" % clock.mo, "%02d" % clock.d, hms, dice.one(["error", "warn", "notice"]), pid, dice.below(99999),
            dice.one(REASONS).lower(), dice.below(256), dice.below(256), host, dice.one(PATHS))
    yield line
    if level == "ERROR" and layout in (0, 1, 2, 3, 8) and dice.below(3) == 0:
        yield "%s: %s" % (dice.one(ERRORS), dice.one(REASONS))
        for _ in range(2 + dice.below(6)):
            yield "\tat %s.%s(%s.java:%d)" % (name, dice.one(["run", "invoke", "process", "read", "write", "accept", "doFilter", "call", "execute", "handle"]),
                                              short, 10 + dice.below(900))
