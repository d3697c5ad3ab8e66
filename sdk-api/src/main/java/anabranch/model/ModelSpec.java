package anabranch.model;

import anabranch.error.Bounds;
import java.util.ArrayList;
import java.util.List;

/**
 * The description of a routed model: everything but its weights and its thresholds.
 *
 * <p>A value that exists is valid. Equal descriptions are interchangeable.
 *
 * @param name names the model in results, reports and errors
 * @param width length of a hidden vector, at least 1
 * @param input what one row is
 * @param embedding how a row becomes a hidden vector
 * @param plan blocks and exits
 * @param head the answer at full depth
 */
public record ModelSpec(
    String name, int width, Input input, Embedding embedding, Plan plan, Head head) {
  /** Checks what the parts cannot check alone. */
  public ModelSpec {
    Bounds.name("model.name", name);
    Bounds.within("model.width", width, 1, 1 << 20);
    Embedding.Ngrams ngrams = embedding.ngrams();
    if (ngrams != null) {
      Bounds.require(
          input instanceof Input.Tokens, "embedding.ngrams needs token ids, input is features");
      Bounds.within(
          "embedding.ngrams.begin", ngrams.begin(), 0, ((Input.Tokens) input).vocabulary() - 1);
    }
    checkExits(plan, head);
    checkRouters(plan, input);
  }

  private static void checkExits(Plan plan, Head head) {
    List<Block> blocks = plan.blocks();
    for (Exit exit : plan.exits()) {
      String field = "exit \"" + exit.id() + "\" ";
      Bounds.require(
          exit.head().outputs() == head.outputs(),
          field + "outputs " + exit.head().outputs() + " differ from the final " + head.outputs());
      Bounds.require(
          exit.head().pool().ofItem() == head.pool().ofItem(),
          field + "pool " + exit.head().pool() + " does not go with the final " + head.pool());
      boolean mixesLater =
          blocks.subList(plan.depthOf(exit.id()), blocks.size()).stream().anyMatch(Block::mixes);
      boolean terminates = exit.bypass() == Exit.Bypass.TERMINATE;
      Bounds.require(
          !exit.head().pool().ofItem() || terminates,
          field + "bypass " + exit.bypass() + " needs rows, but the whole item leaves");
      Bounds.require(
          exit.head().pool().ofItem() || !terminates || !mixesLater,
          field + "bypass TERMINATE takes keys from later blocks that mix rows");
    }
  }

  private static void checkRouters(Plan plan, Input input) {
    for (Block block : plan.blocks()) {
      for (Sublayer sublayer : block.sublayers()) {
        if (sublayer.operation() instanceof Mixture mixture) {
          Bounds.require(
              !mixture.router().needsTokenIds() || input instanceof Input.Tokens,
              "router logits by token id need token ids, input is features");
        }
      }
    }
  }

  /** Returns every tensor this description needs, in the order in which the model uses them. */
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>();
    embedding.parameters(input, width, all::add);
    int block = 0;
    for (Plan.Part part : plan.parts()) {
      if (part instanceof Block next) {
        next.parameters(block++, width, all::add);
      } else if (part instanceof Exit exit) {
        exit.head().parameters("exits." + exit.id(), width, all::add);
      }
    }
    head.parameters("head", width, all::add);
    return List.copyOf(all);
  }
}
