package anabranch.engine;

import anabranch.backend.Event;
import anabranch.backend.Numerics;
import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.error.ExecutionException;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Requirements;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import java.nio.FloatBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks items against a model before they wait. Thread-safe. */
final class Admission {
  private final ModelSpec spec;
  private final Numerics numerics;
  private final Route route;
  private final boolean keys;
  private final int condition;
  private final boolean allRows;

  Admission(Route route, Numerics numerics) {
    this.spec = route.spec();
    this.numerics = numerics;
    this.route = route;
    Requirements requirements = Requirements.of(spec);
    this.keys = requirements.keys();
    this.condition = requirements.condition();
    this.allRows =
        spec.head().pool() == Head.Pool.FLATTEN
            || spec.plan().exits().stream().map(Exit::head).anyMatch(Admission::flattens);
  }

  private static boolean flattens(@Nullable Head head) {
    return head != null && head.pool() == Head.Pool.FLATTEN;
  }

  /** Returns the item ready to run; null if it does not fit, and then the answer has failed. */
  @Nullable Pending admit(Item item, Policy current, Answer answer) {
    try {
      Policy policy = item.policy() == null ? current : item.policy();
      if (item.policy() != null) {
        policy.checkAgainst(spec);
      }
      Event event = item.event();
      check("event", event, spec.input());
      conditioned("event", event);
      int all = spec.input().maxLength();
      Bounds.require(
          !allRows || event.rows() == all,
          "event.rows " + event.rows() + " is not " + all + ", which heads with pool FLATTEN need",
          "E6");
      Event source = source(item);
      int units = spec.head().pool().ofItem() ? 1 : event.rows();
      checkForced(item.forcedExits(), units);
      return new Pending(
          item,
          keyed(item, event),
          source == null ? null : keyed(item, source),
          policy,
          answer,
          route,
          numerics);
    } catch (DescriptionException unfit) {
      answer.completeExceptionally(
          new ExecutionException(item.id(), -1, String.valueOf(unfit.getMessage()), unfit));
      return null;
    }
  }

  /** Returns what the encoder reads; null for models without one. */
  private @Nullable Event source(Item item) {
    Encoder encoder = spec.encoder();
    Event source = item.source();
    Bounds.require(
        encoder == null || source != null,
        "item.source is missing: the encoder of the model reads an event of its own");
    Bounds.require(
        encoder != null || source == null, "item.source is given, the model has no encoder");
    if (encoder != null && source != null) {
      check("source", source, encoder.input());
      source = source.conditionLength() == 0 ? source.under(item.event()) : source;
      conditioned("source", source);
    }
    return source;
  }

  private void conditioned(String field, Event event) {
    Bounds.within(field + ".condition.length", event.conditionLength(), condition, condition);
  }

  private Event keyed(Item item, Event event) {
    return !keys || event.hasKey() ? event : event.keyed(item.id());
  }

  private static void check(String field, Event event, Input input) {
    Bounds.require(
        event.firstPosition() == 0,
        field
            + ".firstPosition "
            + event.firstPosition()
            + " is not 0: an item is a whole sequence");
    Bounds.within(field + ".rows", event.rows(), 1, input.maxLength());
    if (input instanceof Input.Tokens tokens) {
      Bounds.require(event.hasTokens(), field + " has feature rows, the model takes token ids");
      for (int row = 0; row < event.rows(); row++) {
        int token = event.token(row);
        if (token < 0 || token >= tokens.vocabulary()) {
          Bounds.within(field + ".token[" + row + "]", token, 0, tokens.vocabulary() - 1);
        }
      }
    } else {
      Bounds.within(field + ".width", event.width(), input.numbers(), input.numbers());
      for (int row = 0; row < event.rows(); row++) {
        checkFinite(field, event.features(row), row);
      }
    }
  }

  private static void checkFinite(String field, FloatBuffer values, int row) {
    for (int i = 0; i < values.limit(); i++) {
      if (!Float.isFinite(values.get(i))) {
        throw new DescriptionException(
            field + ".features[" + row + "][" + i + "] " + values.get(i) + " is not finite");
      }
    }
  }

  private void checkForced(@Nullable List<Integer> forced, int units) {
    if (forced == null) {
      return;
    }
    Bounds.within("item.forcedExits.size", forced.size(), units, units);
    List<Integer> exits = route.exits();
    for (int step : forced) {
      Bounds.within("item.forcedExits", step, 0, route.legs().size() - 1);
      Bounds.require(
          exits.contains(step),
          "item.forcedExits " + step + " is not the step of an exit: these are " + exits);
    }
  }
}
