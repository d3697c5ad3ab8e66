package anabranch.model;

import anabranch.error.Bounds;
import anabranch.model.layer.Parameter;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The description of a routed model: everything but its weights and its thresholds.
 *
 * <p>A value that exists is valid. Equal descriptions are interchangeable.
 *
 * @param name names the model in results, reports and errors
 * @param width length of a hidden vector, at least 1
 * @param encoder what reads an event of its own first and leaves memory; null for none
 * @param input what one row is
 * @param embedding how a row becomes a hidden vector
 * @param plan blocks and exits
 * @param head the answer at full depth
 */
public record ModelSpec(
    String name,
    int width,
    @Nullable Encoder encoder,
    Input input,
    Embedding embedding,
    Plan plan,
    Head head) {
  /** The most tensors of one description: a few words must not ask for unbounded lists. */
  public static final int MOST_PARAMETERS = 1 << 20;

  /** Checks what the parts cannot check alone. */
  public ModelSpec {
    Bounds.name("model.name", name);
    Bounds.within("model.width", width, 1, 1 << 20);
    if (encoder != null) {
      EncoderRules.check(encoder);
      encoder.embedding().checkAgainst(width);
    }
    embedding.checkAgainst(width);
    PlanRules.check(plan, input, embedding, head, encoder != null);
    PlanRules.conditions(encoder == null ? List.of(plan) : List.of(encoder.plan(), plan));
    if (encoder != null) {
      EncoderRules.checkIds(encoder.plan(), plan);
    }
    int[] count = {0};
    list(
        width,
        encoder,
        input,
        embedding,
        plan,
        head,
        each -> Bounds.within("model.parameters", ++count[0], 1, MOST_PARAMETERS));
  }

  /** Creates a model without an encoder. */
  public ModelSpec(String name, int width, Input input, Embedding embedding, Plan plan, Head head) {
    this(name, width, null, input, embedding, plan, head);
  }

  /** Returns this model with another plan. */
  public ModelSpec withPlan(Plan other) {
    return new ModelSpec(name, width, encoder, input, embedding, other, head);
  }

  /** Returns this model with an encoder. */
  public ModelSpec withEncoder(Encoder other) {
    return new ModelSpec(name, width, other, input, embedding, plan, head);
  }

  /** Returns every tensor this description needs, in the order in which the model uses them. */
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>();
    list(width, encoder, input, embedding, plan, head, all::add);
    return List.copyOf(all);
  }

  private static void list(
      int width,
      @Nullable Encoder encoder,
      Input input,
      Embedding embedding,
      Plan plan,
      Head head,
      Consumer<Parameter> into) {
    if (encoder != null) {
      encoder.embedding().parameters("encoder.embedding", encoder.input(), width, into);
      list("encoder.", width, encoder.input(), encoder.plan(), into);
      if (encoder.norm() != null) {
        encoder.norm().parameters("encoder.norm", width, into);
      }
    }
    embedding.parameters("embedding", input, width, into);
    list("", width, input, plan, into);
    head.parameters("head", width, input.maxLength(), into);
  }

  private static void list(
      String prefix, int width, Input input, Plan plan, Consumer<Parameter> into) {
    for (int block = 0; block < plan.blocks().size(); block++) {
      plan.blocks().get(block).parameters(prefix + "blocks." + block, width, into);
    }
    for (Part part : plan.owners()) {
      if (part instanceof Exit exit) {
        String path = prefix + "exits." + exit.id();
        if (exit.head() != null) {
          exit.head().parameters(path, width, input.maxLength(), into);
        }
        if (exit.criterion().score() == Criterion.Score.LEARNED) {
          score(path, width, 1, true, into);
        }
      } else if (part instanceof Loop loop && loop.until() != null) {
        if (loop.until().criterion().score() == Criterion.Score.LEARNED) {
          score(prefix + "halts." + loop.until().id(), width, 1, true, into);
        }
      } else if (part instanceof Prune prune) {
        if (prune.score() == Criterion.Score.LEARNED) {
          score(prefix + "prunes." + prune.id(), width, 1, true, into);
        }
      } else if (part instanceof DepthChoice choice) {
        int depths = plan.depthsOf(choice.id());
        score(prefix + "choices." + choice.id(), width, depths, choice.bias(), into);
      }
    }
  }

  private static void score(
      String path, int width, int outputs, boolean bias, Consumer<Parameter> into) {
    into.accept(Parameter.matrix(path + ".score.weight", outputs, width));
    if (bias) {
      into.accept(Parameter.vector(path + ".score.bias", outputs));
    }
  }
}
