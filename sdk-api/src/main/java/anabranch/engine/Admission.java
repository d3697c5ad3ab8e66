package anabranch.engine;

import anabranch.backend.Event;
import anabranch.engine.rows.Route;
import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.error.ExecutionException;
import anabranch.model.Encoder;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Point;
import anabranch.model.facts.Requirements;
import anabranch.model.facts.StageSpec;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Checks items against a model before they wait. Thread-safe. */
final class Admission {
  private final ModelSpec spec;
  private final Route route;
  private final boolean keys;
  private final int condition;
  private final boolean allRows;

  Admission(Route route) {
    this.spec = route.spec();
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
  @Nullable Pending admit(Item item, Service service, Lease.Answer answer) {
    try {
      Event event = item.event();
      check("event", event, spec.input());
      conditioned("event", event);
      checkAll(event.rows());
      Item ready = item.conditioned();
      checkSource(ready.source());
      checkForced(ready);
      ready = keys ? ready.keyed() : ready;
      return new Pending(ready, policy(item, service), answer, service, null);
    } catch (DescriptionException unfit) {
      refuse(item.id(), unfit, answer);
      return null;
    }
  }

  // Messages are made where something is wrong: an item costs less than the text of one.

  private void checkAll(int rows) {
    int all = spec.input().maxLength();
    if (allRows && rows != all) {
      String reason = "event.rows " + rows + " is not " + all;
      Bounds.require(false, reason + ", which heads with pool FLATTEN need", "E6");
    }
  }

  /** Returns the next event of a sequence ready to take its place; see {@link #admit}. */
  @Nullable Pending next(
      Item item, String sequence, Service service, Lease.Answer answer, Sequence owner) {
    try {
      check("event", item.event(), spec.input());
      conditioned("event", item.event());
      Bounds.require(
          item.source() == null, "item.source is given, a sequence has one from its beginning");
      checkForced(item);
      Event event = item.event();
      Event keyed = keys && !event.hasKey() ? event.keyed(sequence) : event;
      Item own = new Item(item.id(), keyed, null, item.policy(), item.forced(), item.within());
      return new Pending(own, policy(item, service), answer, service, owner);
    } catch (DescriptionException unfit) {
      refuse(item.id(), unfit, answer);
      return null;
    }
  }

  /** Checks that a sequence of the model can go on, and what its encoder reads. */
  @Nullable Event begin(String id, @Nullable Event source) {
    for (Route.Leg leg : route.legs()) {
      Bounds.require(
          leg.stage().encoder() || !readsLaterRows(leg.stage()),
          "model \""
              + spec.name()
              + "\" has attention to later rows in step "
              + leg.index()
              + ": a sequence of it cannot go on",
          "S11");
    }
    Bounds.require(
        !allRows,
        "model \"" + spec.name() + "\" has heads with pool FLATTEN: a sequence cannot go on",
        "S11");
    checkSource(source);
    return source == null || !keys || source.hasKey() ? source : source.keyed(id);
  }

  private static boolean readsLaterRows(StageSpec stage) {
    List<Block> blocks = new ArrayList<>(stage.blocks());
    Head head = stage.point().head();
    if (head != null && head.body() != null) {
      blocks.add(head.body());
    }
    return blocks.stream()
        .flatMap(block -> block.operations().stream())
        .anyMatch(each -> each instanceof Attention a && a.mask() == Attention.Mask.FULL);
  }

  private Policy policy(Item item, Service service) {
    Policy own = item.policy();
    if (own != null) {
      own.checkAgainst(spec);
    }
    return own == null ? service.policy : own;
  }

  private static void refuse(String id, DescriptionException unfit, Lease.Answer answer) {
    String reason = String.valueOf(unfit.getMessage());
    answer.tell(new ExecutionException(id, -1, reason, unfit));
  }

  private void checkSource(@Nullable Event source) {
    Encoder encoder = spec.encoder();
    Bounds.require(
        encoder == null || source != null,
        "item.source is missing: the encoder of the model reads an event of its own");
    Bounds.require(
        encoder != null || source == null, "item.source is given, the model has no encoder");
    if (encoder != null && source != null) {
      check("source", source, encoder.input());
      conditioned("source", source);
    }
  }

  private void conditioned(String field, Event event) {
    if (event.conditionLength() != condition) {
      Bounds.within(field + ".condition.length", event.conditionLength(), condition, condition);
    }
  }

  private static void check(String field, Event event, Input input) {
    if (event.firstPosition() != 0) {
      String reason = field + ".firstPosition " + event.firstPosition() + " is not 0";
      Bounds.require(false, reason + ": an item is a whole sequence");
    } else if (event.rows() > input.maxLength()) {
      Bounds.within(field + ".rows", event.rows(), 1, input.maxLength());
    }
    if (input instanceof Input.Tokens tokens) {
      if (!event.hasTokens()) {
        Bounds.require(false, field + " has feature rows, the model takes token ids");
      }
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

  private void checkForced(Item item) {
    Inference.Borders forced = item.forced();
    if (forced == null) {
      return;
    }
    int rows = item.event().rows();
    if (forced.exits() != null) {
      checkExits(forced.exits(), spec.head().pool().ofItem() ? 1 : rows);
    }
    Map<Integer, List<Integer>> none = Map.of();
    (forced.halts() == null ? none : forced.halts())
        .forEach(
            (step, units) -> {
              Route.Leg leg = leg("item.forced.halts", step, Point.AtHalt.class);
              Event source = item.source();
              int of = leg.stage().encoder() && source != null ? source.rows() : rows;
              int most = leg.ofItem() ? 1 : of;
              units.forEach(unit -> Bounds.within("item.forced.halts." + step, unit, 0, most - 1));
            });
    (forced.kept() == null ? none : forced.kept())
        .forEach(
            (step, positions) -> {
              leg("item.forced.kept", step, Point.AtPrune.class);
              Bounds.atLeast("item.forced.kept." + step + ".size", positions.size(), 1);
            });
    if (forced.memoryExit() != null) {
      checkMemoryExit(forced.memoryExit());
    }
  }

  private Route.Leg leg(String field, int step, Class<? extends Point> kind) {
    Bounds.within(field, step, 0, route.legs().size() - 1);
    Route.Leg leg = route.legs().get(step);
    Bounds.require(
        kind.isInstance(leg.point()),
        field + " " + step + " is not the step of a " + kind.getSimpleName().substring(2));
    return leg;
  }

  private void checkMemoryExit(int step) {
    int last = -1;
    for (Route.Leg leg : route.legs()) {
      last = leg.stage().encoder() ? leg.index() : last;
    }
    Bounds.within("item.forced.memoryExit", step, last < 0 ? -1 : 0, last);
    Bounds.require(
        step < 0 || step == last || route.legs().get(step).point() instanceof Point.AtExit,
        "item.forced.memoryExit " + step + " is not the step of an exit");
  }

  private void checkExits(List<Integer> forced, int units) {
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
