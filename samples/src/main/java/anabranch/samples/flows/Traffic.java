package anabranch.samples.flows;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Half an hour of one host, drawn by a seed: what people and machines do, attacks among it, and of
 * each attack something harmless that looks like it. Confined to one thread.
 */
public final class Traffic {
  private static final double SECONDS = 1800;
  private static final double[] USUAL = {.02, .93, .01, .03, .01};
  private static final int[] SCANNED = {22, 21, 25, 53, 80, 443, 445, 3389, 8080, 3306, 5432};

  private final int host;
  private final SplittableRandom random;
  private final List<Flow> flows = new ArrayList<>();
  private final int[] sites = new int[40];
  private final int[] servers = new int[8];
  private Kind kind = Kind.NORMAL;

  private Traffic(int host) {
    this.host = host;
    random = new SplittableRandom(0x9e3779b97f4a7c15L * (host + 1));
    for (int i = 0; i < sites.length; i++) {
      sites[i] = outside();
    }
    for (int i = 0; i < servers.length; i++) {
      servers[i] = random.nextInt(5000);
    }
  }

  /** Returns the flows of a host, by time. */
  public static List<Flow> of(int host) {
    Traffic traffic = new Traffic(host);
    traffic.draw();
    traffic.flows.sort(Comparator.comparingDouble(Flow::time));
    return traffic.flows;
  }

  private void draw() {
    maybe(.85, this::browse);
    maybe(.4, this::shell);
    maybe(.25, this::automation);
    maybe(.3, this::backup);
    maybe(.35, this::upload);
    maybe(.35, this::health);
    maybe(.6, this::telemetry);
    maybe(.5, this::clock);
    maybe(.3, this::deadServer);
    maybe(.25, this::discovery);
    maybe(.5, this::mail);
    if (random.nextDouble() < .45) {
      attack();
      maybe(.25, this::attack);
    }
  }

  private void maybe(double share, Runnable some) {
    if (random.nextDouble() < share) {
      some.run();
    }
  }

  private void attack() {
    kind = Kind.values()[1 + random.nextInt(5)];
    switch (kind) {
      case SCAN -> scan();
      case FLOOD -> flood();
      case BRUTE_FORCE -> bruteForce();
      case EXFILTRATION -> exfiltrate();
      default -> beacon();
    }
    kind = Kind.NORMAL;
  }

  private void browse() {
    double rate = between(25, 160);
    for (double t = exponential(60); t < SECONDS; t += exponential(rate)) {
      if (random.nextDouble() < .7) {
        add(t - .03, 2, 53, servers[0], near(15, .6), near(70, .2), near(160, .5), 2);
      }
      double u = t;
      for (int n = 2 + random.nextInt(11); n > 0; n--) {
        u += exponential(.12);
        int site =
            random.nextDouble() < .8
                ? sites[(int) (40 * Math.pow(random.nextDouble(), 2))]
                : outside();
        int port = random.nextDouble() < .9 ? 443 : 80;
        int protocol = random.nextDouble() < .8 ? 1 : 2;
        add(
            u,
            protocol,
            port,
            site,
            near(900, 1.2),
            near(1500, .8),
            near(18_000, 1.5),
            state(USUAL));
      }
    }
  }

  private void shell() {
    for (int n = random.nextInt(7); n > 0; n--) {
      int server = servers[1 + random.nextInt(3)];
      add(
          between(0, SECONDS),
          1,
          22,
          server,
          near(2e5, 1),
          near(2e4, 1),
          near(6e4, 1),
          state(USUAL));
    }
  }

  /** Looks like guessing passwords, or a scan. */
  private void automation() {
    boolean same = random.nextBoolean();
    int base = random.nextInt(4000);
    double t = between(0, .8 * SECONDS);
    double rate = between(.5, 4);
    for (int i = 0, n = 8 + random.nextInt(52); i < n; i++, t += exponential(rate)) {
      int server = same ? servers[3] : base + i;
      int state = state(.03, .93, .02, .01, .01);
      add(t, 1, 22, server, near(2500, .5), near(4500, .4), near(5200, .4), state);
    }
  }

  /** Looks like exfiltration. */
  private void backup() {
    int port = pick(873, 443, 445, 22);
    int server = random.nextDouble() < .6 ? servers[5] : sites[0];
    double t = between(0, .7 * SECONDS);
    for (int n = 1 + random.nextInt(9); n > 0; n--, t += exponential(40)) {
      add(t, 1, port, server, near(4e4, .9), near(2e7, 1.3), near(2e5, .8), state(USUAL));
    }
  }

  private void upload() {
    int site = sites[random.nextInt(40)];
    double t = between(0, .9 * SECONDS);
    for (int n = 1 + random.nextInt(5); n > 0; n--, t += exponential(25)) {
      int protocol = 1 + random.nextInt(2);
      add(t, protocol, 443, site, near(2e4, 1), near(3e6, 1.2), near(4e5, 1.5), state(USUAL));
    }
  }

  private void health() {
    double period = pick(5, 10, 15, 30, 60);
    int server = servers[random.nextInt(8)];
    int port = pick(8080, 443, 3306, 5432);
    double jitter = between(.001, .04);
    double t = between(0, period);
    for (; t < SECONDS; t += period * (1 + jitter * random.nextGaussian())) {
      int state = state(.01, .97, .01, .01, 0);
      add(t, 1, port, server, near(30, .4), near(220, .15), near(420, .2), state);
    }
  }

  /** Looks like a beacon: outside, and again and again. */
  private void telemetry() {
    double period = pick(30, 60, 120, 300);
    int site = outside();
    double jitter = between(.02, .35);
    double size = near(1800, .7);
    double t = between(0, period);
    for (; t < SECONDS; t += period * Math.max(.05, 1 + jitter * random.nextGaussian())) {
      int protocol = random.nextDouble() < .9 ? 1 : 2;
      add(t, protocol, 443, site, near(350, .5), near(size, .35), near(900, .5), state(USUAL));
    }
  }

  private void clock() {
    double period = pick(64, 128, 256);
    int site = outside();
    double t = between(0, period);
    for (; t < SECONDS; t += period * (1 + .02 * random.nextGaussian())) {
      add(t, 2, 123, site, near(25, .5), 76, 76, 2);
    }
  }

  /** Looks like a slow flood: a server that does not answer is asked again. */
  private void deadServer() {
    int port = pick(443, 8080, 5432, 445);
    double t = between(0, SECONDS);
    double wait = 1;
    for (int n = 3 + random.nextInt(11); n > 0; n--) {
      add(t, 1, port, servers[7], near(3000, .1), 60, 0, 1);
      t += wait * between(.9, 1.1);
      wait = random.nextDouble() < .8 ? Math.min(60, 2 * wait) : 1;
    }
  }

  /** Looks like a scan: many new destinations, most of which answer. */
  private void discovery() {
    int base = random.nextInt(4000);
    int port = pick(443, 22, 8080, 80);
    double rate = between(.1, 2);
    double t = between(0, .8 * SECONDS);
    for (int i = 0, n = 10 + random.nextInt(40); i < n; i++, t += exponential(rate)) {
      int to = random.nextDouble() < .7 ? base + i : outside();
      int state = state(.12, .80, .05, .02, .01);
      add(t, 1, port, to, near(200, 1), near(500, .5), near(2500, 1.2), state);
    }
  }

  private void mail() {
    for (double t = between(0, 120); t < SECONDS; t += exponential(120)) {
      int port = random.nextDouble() < .8 ? 993 : 25;
      add(t, 1, port, sites[1], near(800, .7), near(900, .6), near(4000, 1.4), state(USUAL));
    }
  }

  private void scan() {
    boolean wide = random.nextDouble() < .65;
    int base = random.nextInt(4000);
    int port = pick(22, 445, 3389, 80, 443);
    double rate = Math.exp(between(Math.log(.02), Math.log(8)));
    boolean quiet = random.nextBoolean();
    double t = between(0, .9 * SECONDS);
    for (int i = 0, n = 12 + random.nextInt(78); i < n; i++, t += exponential(rate)) {
      int state = quiet ? state(.7, .1, .17, .02, .01) : state(.35, .25, .35, .03, .02);
      boolean open = state == 2;
      int at = wide ? port : random.nextInt(6) == 0 ? 1 + random.nextInt(65_534) : pick(SCANNED);
      add(
          t,
          1,
          at,
          wide ? base + i : base,
          near(open ? 40 : 8, 1),
          open ? near(180, .4) : 60,
          open ? near(240, .6) : state == 3 ? 40 : 0,
          state);
    }
  }

  private void flood() {
    int to = random.nextDouble() < .6 ? outside() : random.nextInt(5000);
    int port = pick(80, 443, 53);
    double rate = Math.exp(between(Math.log(.001), Math.log(.15)));
    double t = between(0, .9 * SECONDS);
    for (int n = 30 + random.nextInt(90); n > 0; n--, t += exponential(rate)) {
      boolean silent = random.nextDouble() < .95;
      add(t, 1, port, to, near(3, 1), 60, silent ? 0 : 44, silent ? 1 : 5);
    }
  }

  private void bruteForce() {
    int to = random.nextBoolean() ? servers[random.nextInt(8)] : outside();
    int port = pick(22, 22, 3389, 21, 443, 3306);
    double rate = Math.exp(between(Math.log(.15), Math.log(6)));
    double t = between(0, .9 * SECONDS);
    for (int n = 12 + random.nextInt(68); n > 0; n--, t += exponential(rate)) {
      int state = state(.03, .62, .05, .18, .12);
      add(t, 1, port, to, near(1600, .5), near(1700, .35), near(1900, .35), state);
    }
  }

  private void exfiltrate() {
    boolean slow = random.nextBoolean();
    int to = outside();
    int port = pick(443, 22, 53, 80, 8080);
    double t = between(0, .8 * SECONDS);
    for (int n = 4 + random.nextInt(26); n > 0; n--) {
      double size = near(slow ? 6e5 : 2e7, .9);
      double time = near(slow ? 4e3 : 3e4, .8);
      add(t, port == 53 ? 2 : 1, port, to, time, size, near(slow ? 4e3 : 3e4, .7), state(USUAL));
      t += slow ? between(15, 45) : exponential(20);
    }
  }

  private void beacon() {
    double period = pick(10, 30, 60, 120);
    int to = outside();
    double jitter = between(0, .2);
    int port =
        random.nextInt(6) == 0 ? 1024 + random.nextInt(64_000) : pick(443, 443, 80, 8080, 53);
    double out = near(350, .5);
    double in = near(260, .5);
    double t = between(0, .4 * SECONDS);
    for (; t < SECONDS; t += period * Math.max(.05, 1 + jitter * random.nextGaussian())) {
      add(
          t,
          port == 53 ? 2 : 1,
          port,
          to,
          near(180, .4),
          near(out, .03),
          near(in, .03),
          state(USUAL));
    }
  }

  private void add(
      double time,
      int protocol,
      int port,
      int destination,
      double duration,
      double bytesOut,
      double bytesIn,
      int state) {
    if (time >= 0 && time < SECONDS) {
      flows.add(
          new Flow(
              host,
              time,
              protocol,
              port,
              destination,
              duration,
              bytesOut,
              bytesIn,
              packets(bytesOut),
              packets(bytesIn),
              state,
              kind.ordinal()));
    }
  }

  private static int packets(double bytes) {
    return bytes == 0 ? 0 : (int) (bytes / 900) + 1;
  }

  private int outside() {
    return -1 - random.nextInt(1_000_000);
  }

  private double between(double low, double high) {
    return low + (high - low) * random.nextDouble();
  }

  private double exponential(double mean) {
    return -mean * Math.log(1 - random.nextDouble());
  }

  /** Draws around a median, as far as a normal number times {@code spread} in its logarithm. */
  private double near(double median, double spread) {
    return median * Math.exp(spread * random.nextGaussian());
  }

  private int pick(int... of) {
    return of[random.nextInt(of.length)];
  }

  private int state(double... shares) {
    double left = random.nextDouble();
    for (int i = 0; i < shares.length; i++) {
      left -= shares[i];
      if (left < 0) {
        return i + 1;
      }
    }
    return 2;
  }
}
