package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.error.ExecutionException;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.facts.Cut;
import java.nio.FloatBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks items against a model before they wait. Thread-safe. */
final class Admission {
  private final ModelSpec spec;
  private final Numerics numerics;
  private final Cost cost;
  private final int stages;

  Admission(LoadedModel model) {
    this.spec = model.spec();
    this.numerics = model.numerics();
    this.cost = Cost.of(spec);
    this.stages = Cut.of(spec).size();
  }

  /** Returns the item ready to run; null if it does not fit, and then the answer has failed. */
  @Nullable Pending admit(Item item, Policy current, Answer answer) {
    try {
      Policy policy = item.policy() == null ? current : item.policy();
      if (item.policy() != null) {
        policy.checkAgainst(spec);
      }
      check(item.event());
      int units = spec.head().pool().ofItem() ? 1 : item.event().rows();
      checkForced(item.forcedExits(), units);
      return new Pending(item, policy, answer, spec, numerics, cost);
    } catch (DescriptionException unfit) {
      answer.completeExceptionally(
          new ExecutionException(item.id(), -1, String.valueOf(unfit.getMessage()), unfit));
      return null;
    }
  }

  private void check(Event event) {
    Bounds.require(
        event.firstPosition() == 0,
        "event.firstPosition " + event.firstPosition() + " is not 0: an item is a whole sequence");
    Bounds.within("event.rows", event.rows(), 1, spec.input().maxLength());
    if (spec.input() instanceof Input.Tokens tokens) {
      Bounds.require(event.hasTokens(), "event has feature rows, the model takes token ids");
      for (int row = 0; row < event.rows(); row++) {
        int token = event.token(row);
        if (token < 0 || token >= tokens.vocabulary()) {
          Bounds.within("event.token[" + row + "]", token, 0, tokens.vocabulary() - 1);
        }
      }
    } else if (spec.input() instanceof Input.Features features) {
      Bounds.within("event.width", event.width(), features.features(), features.features());
      for (int row = 0; row < event.rows(); row++) {
        checkFinite(event.features(row), row);
      }
    }
  }

  private static void checkFinite(FloatBuffer values, int row) {
    for (int i = 0; i < values.limit(); i++) {
      if (!Float.isFinite(values.get(i))) {
        throw new DescriptionException(
            "event.features[" + row + "][" + i + "] " + values.get(i) + " is not finite");
      }
    }
  }

  private void checkForced(@Nullable List<Integer> forced, int units) {
    if (forced == null) {
      return;
    }
    Bounds.within("item.forcedExits.size", forced.size(), units, units);
    for (int stage : forced) {
      Bounds.within("item.forcedExits", stage, 0, stages - 1);
    }
  }
}
