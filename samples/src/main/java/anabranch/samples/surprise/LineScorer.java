package anabranch.samples.surprise;

import anabranch.backend.Event;
import anabranch.backend.Numerics;
import anabranch.backend.Trace;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Sublayer;
import anabranch.samples.text.Line;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns lines into items for the model and its answers into scores. A blank line has no items and
 * scores 0; a line that is drawn for audit has each window twice, the second time at full depth.
 * Stateless.
 */
final class LineScorer {
  /** How many blocks the model has. */
  static final int BLOCKS = SurpriseModel.getSurpriseModel().plan().blocks().size();

  /** How many experts each block has. */
  static final int EXPERTS = experts();

  /** One line in this many is drawn for audit. */
  private static final int ONE_IN = 16;

  private LineScorer() {}

  private static int experts() {
    return SurpriseModel.getSurpriseModel().plan().blocks().stream()
        .flatMap(block -> block.sublayers().stream())
        .map(Sublayer::operation)
        .filter(Mixture.class::isInstance)
        .mapToInt(mixture -> ((Mixture) mixture).experts())
        .max()
        .orElseThrow();
  }

  /** Returns the items of a line. */
  static List<Item> items(Line line) {
    if (line.blank()) {
      return List.of();
    }
    String id = line.source() + ":" + line.number();
    List<Event> windows = Windows.of(line.bytes());
    List<Item> items = new ArrayList<>(2 * windows.size());
    windows.forEach(window -> items.add(Item.of(id, window)));
    if (drawn(line)) {
      windows.forEach(window -> items.add(Item.of(id, window).withPolicy(Policy.fullDepth())));
    }
    return items;
  }

  /** Draws by a hash of source and number, so that every run draws the same lines. */
  private static boolean drawn(Line line) {
    long h = line.source().hashCode() * 31L + line.number();
    h = (h ^ (h >>> 30)) * 0xbf58476d1ce4e5b9L;
    h = (h ^ (h >>> 27)) * 0x94d049bb133111ebL;
    return Long.remainderUnsigned(h ^ (h >>> 31), ONE_IN) == 0;
  }

  /** Returns the score of a line from the answers to its items, in their order. */
  static LineScore score(Line line, long received, List<Inference> answers) {
    byte[] bytes = answers.isEmpty() ? new byte[0] : line.bytes();
    int windows = (bytes.length + Windows.LENGTH - 1) / Windows.LENGTH;
    boolean audited = answers.size() > windows;
    Sums sums = new Sums(bytes.length);
    for (int w = 0; w < windows; w++) {
      Inference served = answers.get(w);
      sums.flops += served.flops();
      sums.fullFlops += served.fullFlops();
      sums.countLoad(served);
      for (int unit = 0; unit < served.units(); unit++) {
        int at = w * Windows.LENGTH + unit;
        int value = bytes[at] & 0xff;
        sums.count(at, Bits.of(served, unit, value), served.exit(unit));
        sums.blocksRun += served.depth(unit);
        if (audited) {
          Inference full = answers.get(windows + w);
          sums.fullBits += Bits.of(full, unit, value);
          sums.agreed += served.label(unit) == full.label(unit) ? 1 : 0;
        }
      }
    }
    return new LineScore(
        line.source(),
        line.number(),
        line.bytes(),
        answers.isEmpty() ? "" : device(answers.get(0).numerics()),
        bytes.length,
        sums.bits,
        sums.byteBits,
        sums.byteExits,
        sums.exits,
        sums.blocksRun,
        sums.load,
        sums.flops,
        sums.fullFlops,
        audited ? bytes.length : 0,
        sums.agreed,
        sums.fullBits,
        received,
        received);
  }

  private static String device(Numerics numerics) {
    String notes = String.join("; ", numerics.notes());
    return numerics.device() + ", " + numerics.type() + (notes.isEmpty() ? "" : " (" + notes + ")");
  }

  private static final class Sums {
    final int[] exits = new int[SurpriseModel.getSurpriseModel().plan().exits().size() + 1];
    final int[] load = new int[EXPERTS * BLOCKS];
    final float[] byteBits;
    final byte[] byteExits;
    double bits;
    double fullBits;
    long blocksRun;
    long flops;
    long fullFlops;
    int agreed;

    Sums(int bytes) {
      byteBits = new float[bytes];
      byteExits = new byte[bytes];
    }

    void count(int at, double bitsOfByte, int exit) {
      bits += bitsOfByte;
      byteBits[at] = (float) bitsOfByte;
      byteExits[at] = (byte) exit;
      exits[exit]++;
    }

    void countLoad(Inference served) {
      List<Trace.Choices> choices = served.choices();
      for (int block = 0; block < choices.size(); block++) {
        var experts = choices.get(block).experts();
        for (int i = 0; i < experts.limit(); i++) {
          if (experts.get(i) >= 0) {
            load[block * EXPERTS + experts.get(i)]++;
          }
        }
      }
    }
  }
}
