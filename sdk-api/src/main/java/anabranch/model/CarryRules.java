package anabranch.model;

import anabranch.error.Bounds;
import anabranch.model.layer.Block;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.route.Logits;
import anabranch.model.route.Router;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What rows carry from one router to another is there when it is read. Confined to one check. */
final class CarryRules {
  /** How many numbers each name stands for. */
  private final Map<String, Integer> known = new HashMap<>();

  private CarryRules() {}

  /** Checks an order of blocks. */
  static void check(Plan plan, List<Part> order) {
    CarryRules rules = new CarryRules();
    order.forEach(part -> rules.part(plan, part));
  }

  private void part(Plan plan, Part part) {
    if (part instanceof Part.Run run) {
      block(plan.blocks().get(run.block()));
    } else if (part instanceof Part.Mean mean) {
      for (int number : mean.blocks()) {
        for (Operation operation : plan.blocks().get(number).operations()) {
          Bounds.require(
              operation.router() == null || !operation.router().logits().carried(),
              "router.logits of block " + number + " are carried, but it runs beside others",
              "R13");
        }
      }
    } else if (part instanceof Loop loop && loop.until() == null) {
      loop.body().forEach(each -> part(plan, each));
    } else if (part instanceof Loop loop) {
      known.clear();
      loop.body().forEach(each -> part(plan, each));
      known.clear();
    } else {
      known.clear();
    }
  }

  private void block(Block block) {
    for (Sublayer sublayer : block.sublayers()) {
      Operation outer = sublayer.operation();
      for (Operation operation : new Block(List.of(sublayer)).operations()) {
        Router router = operation.router();
        if (router != null && router.logits().carried()) {
          Bounds.require(
              operation == outer,
              "router.logits of sublayer \""
                  + sublayer.name()
                  + "\" are carried, but stand inside another operation",
              "R13");
          router(router.logits(), router.logitsFor(operation.members()));
        }
      }
    }
  }

  private void router(Logits logits, int count) {
    if (logits instanceof Logits.Recalled recalled) {
      require(recalled.from(), count);
    } else if (logits instanceof Logits.Accumulated sum) {
      require(sum.from(), count);
      known.put(sum.as(), count);
    }
  }

  private void require(@Nullable String from, int count) {
    if (from == null) {
      return;
    }
    Integer there = known.get(from);
    Bounds.require(
        there != null,
        "router.logits.from \""
            + from
            + "\" is not remembered since the last place where units may leave",
        "R13");
    Bounds.require(
        there == null || there == count,
        "router.logits.from \"" + from + "\" are " + there + " numbers, not " + count);
  }
}
