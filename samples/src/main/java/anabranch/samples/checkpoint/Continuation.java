package anabranch.samples.checkpoint;

import anabranch.backend.Event;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.plan.Head;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Answers token ids, and adds the most likely ones. Every sequence is asked from its start, as the
 * engine keeps nothing between items. Stateless.
 */
final class Continuation {
  private Continuation() {}

  /**
   * Reports the answer, line by line.
   *
   * @throws IllegalArgumentException if the model does not take these ids, or none can be added
   */
  static void report(Engine engine, Arguments asked, Consumer<String> out) {
    ModelSpec spec = engine.spec();
    require(spec, asked);
    List<Integer> ids = new ArrayList<>(asked.ids());
    Inference answer = engine.infer(item(ids, asked));
    out.accept("answers:");
    for (int unit = 0; unit < answer.units(); unit++) {
      out.accept(
          String.format(
              Locale.ROOT,
              "  row %d: label %d, after %d of %d blocks",
              answer.positions()[unit],
              answer.label(unit),
              answer.depth(unit),
              spec.plan().depth()));
    }
    out.accept(arithmetic(answer));
    for (int n = 0; n < asked.more(); n++) {
      ids.add(answer.label(answer.units() - 1));
      if (n + 1 < asked.more()) {
        answer = engine.infer(item(ids, asked));
      }
    }
    if (asked.more() > 0) {
      out.accept("continued: " + ids);
    }
  }

  private static String arithmetic(Inference answer) {
    double share = 100.0 * answer.flops() / answer.fullFlops();
    return String.format(Locale.ROOT, "arithmetic: %.0f %% of full depth", share);
  }

  private static void require(ModelSpec spec, Arguments asked) {
    if (!(spec.input() instanceof Input.Tokens tokens)) {
      throw new IllegalArgumentException("the model reads " + spec.input() + ", no token ids");
    }
    int most = Collections.max(asked.ids());
    if (most >= tokens.vocabulary()) {
      throw new IllegalArgumentException(
          "--ids " + most + " is not in 0.." + (tokens.vocabulary() - 1));
    }
    boolean adds = spec.head().pool() == Head.Pool.EACH;
    if (asked.more() > 0 && (!adds || spec.head().outputs() != tokens.vocabulary())) {
      throw new IllegalArgumentException(
          "--new "
              + asked.more()
              + ": the model does not predict tokens, its head is "
              + spec.head());
    }
    if ((spec.encoder() == null) != asked.read().isEmpty()) {
      throw new IllegalArgumentException(
          "--read " + asked.read() + (spec.encoder() == null ? ": there is no encoder" : ""));
    }
    if (asked.ids().size() + Math.max(0, asked.more() - 1) > tokens.maxLength()) {
      throw new IllegalArgumentException(
          "--ids and --new make more rows than " + tokens.maxLength());
    }
  }

  private static Item item(List<Integer> ids, Arguments asked) {
    Item item = Item.of("ids", event(ids));
    return asked.read().isEmpty() ? item : item.reading(event(asked.read()));
  }

  private static Event event(List<Integer> ids) {
    return Event.ofTokens(ids.stream().mapToInt(Integer::intValue).toArray()).keyed("ids");
  }
}
