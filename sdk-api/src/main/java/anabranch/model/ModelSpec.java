package anabranch.model;

import anabranch.error.Bounds;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

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
  /** The most tensors of one description: a few words must not ask for unbounded lists. */
  public static final int MOST_PARAMETERS = 1 << 20;

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
    int[] count = {0};
    list(
        width,
        input,
        embedding,
        plan,
        head,
        each -> Bounds.within("model.parameters", ++count[0], 1, MOST_PARAMETERS));
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
    list(width, input, embedding, plan, head, all::add);
    return List.copyOf(all);
  }

  private static void list(
      int width, Input input, Embedding embedding, Plan plan, Head head, Consumer<Parameter> into) {
    embedding.parameters(input, width, into);
    int block = 0;
    for (Plan.Part part : plan.parts()) {
      if (part instanceof Block next) {
        next.parameters(block++, width, into);
      } else if (part instanceof Exit exit) {
        exit.head().parameters("exits." + exit.id(), width, into);
      }
    }
    head.parameters("head", width, into);
  }
}
