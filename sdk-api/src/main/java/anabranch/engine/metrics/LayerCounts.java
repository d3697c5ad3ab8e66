package anabranch.engine.metrics;

import anabranch.backend.Trace;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Chain;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the router of one place let the own rows see. The statistics of the load are those of the
 * last whole window: as many picks as 256 times the experts, so that pure chance makes a
 * coefficient of variation of 1/16. Thread-safe.
 */
final class LayerCounts {
  static final int PICKS_PER_EXPERT = 256;

  final String path;
  final boolean skip;
  private final long[] tokens;
  private final long[] window;
  private final int[] specialsUntil;
  private final long[] special = new long[3];
  private long inWindow;
  private long dropped;
  private long skipped;
  private double variation = Double.NaN;
  private double maxRatio = Double.NaN;
  private double entropy = Double.NaN;

  private LayerCounts(String path, Operation operation, int members) {
    this.path = path;
    skip = operation instanceof Skip || operation instanceof Chain.Merged;
    int experts = skip ? 0 : members;
    Mixture.Specials specials = null;
    if (operation instanceof Mixture mixture) {
      experts = mixture.experts();
      specials = mixture.specials();
    }
    tokens = new long[experts];
    window = new long[experts];
    int zeros = experts + (specials == null ? 0 : specials.zeros());
    int identities = zeros + (specials == null ? 0 : specials.identities());
    int constants = identities + (specials == null ? 0 : specials.constants());
    specialsUntil = new int[] {zeros, identities, constants};
  }

  /** Returns the places of a model at which something is picked, by path, in order. */
  static Map<String, LayerCounts> of(ModelSpec spec) {
    Map<String, LayerCounts> layers = new LinkedHashMap<>();
    for (Cut.Run run : Cut.of(spec).runs()) {
      add(run.member().path(), run.member().block().sublayers(), layers);
    }
    return layers;
  }

  private static void add(String path, List<Sublayer> sublayers, Map<String, LayerCounts> into) {
    sublayers.forEach(each -> add(path + "." + each.name(), each.operation(), into));
  }

  private static void add(String path, Operation operation, Map<String, LayerCounts> into) {
    if (operation instanceof Chain chain) {
      add(path, chain.sublayers(), into);
    } else if (operation.members() > 0) {
      put(path, operation, operation.members(), into);
    }
    if (operation instanceof Skip skip) {
      add(skip.operationPath(path), skip.operation(), into);
    } else if (operation instanceof Mixture.Modulated modulated) {
      add(modulated.operationPath(path), modulated.operation(), into);
    } else if (operation instanceof Attention attention && attention.projections() != null) {
      int experts = attention.projections().experts();
      for (int head = 0; head < attention.keyValueHeads(); head++) {
        put(path + ".v." + head, operation, experts, into);
      }
      for (int head = 0; head < attention.heads(); head++) {
        put(path + ".o." + head, operation, experts, into);
      }
    }
  }

  private static void put(
      String path, Operation operation, int members, Map<String, LayerCounts> into) {
    into.computeIfAbsent(path, any -> new LayerCounts(path, operation, members));
  }

  /** Adds what a batch picked, but for some of its rows. */
  synchronized void add(Trace.Choices choices, BitSet aside) {
    IntBuffer picks = choices.experts();
    int k = choices.k();
    for (int row = 0; row < picks.limit() / k; row++) {
      if (aside.get(row)) {
        continue;
      }
      boolean ran = false;
      for (int i = row * k; i < (row + 1) * k; i++) {
        int pick = picks.get(i);
        ran |= pick >= 0;
        dropped += pick < -1 ? 1 : 0;
        add(pick);
      }
      skipped += skip && !ran ? 1 : 0;
    }
    if (inWindow >= (long) PICKS_PER_EXPERT * tokens.length && inWindow > 0) {
      close();
    }
  }

  private void add(int pick) {
    if (pick < 0) {
      return;
    } else if (pick < tokens.length) {
      tokens[pick]++;
      window[pick]++;
      inWindow++;
      return;
    }
    for (int kind = 0; kind < special.length; kind++) {
      if (pick < specialsUntil[kind]) {
        special[kind]++;
        return;
      }
    }
  }

  private void close() {
    double mean = (double) inWindow / window.length;
    double squares = 0;
    double most = 0;
    double sum = 0;
    for (long count : window) {
      squares += (count - mean) * (count - mean);
      most = Math.max(most, count);
      double share = (double) count / inWindow;
      sum -= count == 0 ? 0 : share * Math.log(share);
    }
    variation = Math.sqrt(squares / window.length) / mean;
    maxRatio = most / mean;
    entropy = window.length == 1 ? 1 : sum / Math.log(window.length);
    Arrays.fill(window, 0);
    inWindow = 0;
  }

  /** Returns how many experts there are, without special members; 0 for a skip. */
  int experts() {
    return tokens.length;
  }

  /** Returns whether there are members of a kind: zeros, identities, constants. */
  boolean hasSpecial(int kind) {
    return specialsUntil[kind] > (kind == 0 ? tokens.length : specialsUntil[kind - 1]);
  }

  synchronized long tokens(int expert) {
    return tokens[expert];
  }

  synchronized long special(int kind) {
    return special[kind];
  }

  synchronized long dropped() {
    return dropped;
  }

  synchronized long skipped() {
    return skipped;
  }

  synchronized double variation() {
    return variation;
  }

  synchronized double maxRatio() {
    return maxRatio;
  }

  synchronized double entropy() {
    return entropy;
  }

  synchronized Snapshot.Layer snapshot() {
    return new Snapshot.Layer(
        path,
        Arrays.stream(tokens).boxed().toList(),
        Arrays.stream(special).boxed().toList(),
        dropped,
        skipped,
        variation,
        maxRatio,
        entropy);
  }
}
