package anabranch.model;

import anabranch.error.Bounds;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.plan.DepthChoice;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.util.ArrayList;
import java.util.List;

/** What the parts of an encoder owe each other. Stateless. */
final class EncoderRules {
  private EncoderRules() {}

  static void check(Encoder encoder) {
    PlanRules.ngrams(encoder.input(), encoder.embedding());
    PlanRules.operations(encoder.plan(), encoder.input(), false);
    for (Block block : encoder.plan().blocks()) {
      for (Operation operation : block.operations()) {
        Bounds.require(
            !(operation instanceof Skip skip) || skip.keys() != Bypass.FREEZE_SHARE_KV,
            "skip.keys FREEZE_SHARE_KV stands in an encoder, which keeps no keys between stages");
      }
    }
    List<List<Part>> orders = new ArrayList<>(encoder.plan().alternatives().values());
    orders.add(encoder.plan().parts());
    orders.forEach(order -> order(encoder.plan(), order));
  }

  /** Policies name ids alone, so the two sides must not share one. */
  static void checkIds(Plan encoder, Plan decoder) {
    List<String> ids = new ArrayList<>(encoder.ids());
    ids.retainAll(decoder.ids());
    Bounds.require(ids.isEmpty(), "id " + ids + " stands in the encoder and behind it");
  }

  private static void order(Plan plan, List<Part> order) {
    CarryRules.check(plan, order);
    for (Part part : order) {
      if (part instanceof Exit exit) {
        String field = "encoder exit \"" + exit.id() + "\" ";
        Bounds.require(exit.head() == null, field + "has a head, but what leaves is memory", "I8");
        Bounds.require(
            exit.bypass() == Bypass.TERMINATE,
            field + "bypass " + exit.bypass() + " needs rows, but the whole item leaves",
            "I8");
      } else if (part instanceof Prune prune) {
        Bounds.require(false, "prune \"" + prune.id() + "\" stands in an encoder");
      } else if (part instanceof DepthChoice choice) {
        Bounds.require(
            choice.from() == DepthChoice.From.ROWS && choice.pool().ofItem(),
            "choice \"" + choice.id() + "\" in an encoder reads its own rows, pooled");
      } else if (part instanceof Loop loop && loop.until() != null) {
        Bounds.require(
            loop.until().bypass() != Bypass.FREEZE_SHARE_KV,
            "halt \""
                + loop.until().id()
                + "\" bypass FREEZE_SHARE_KV stands in an encoder, which keeps no keys between stages");
        PlanRules.halt(loop, loop.until(), true, PlanRules.mixes(plan, List.of(loop)));
      }
    }
  }
}
