package anabranch.conformance.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.conformance.trial.Subject;
import anabranch.error.Unsupported;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Requirements;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.plan.Plan;
import java.util.ArrayList;
import java.util.List;

/** What must be refused before it is loaded. Stateless. */
final class Refusals {
  private Refusals() {}

  /**
   * Fails unless a description is refused in a causal model, by name, and accepted by that name.
   */
  static void laterRows(Subject kit, ModelSpec spec) {
    List<Block> blocks = new ArrayList<>(spec.plan().blocks());
    blocks.add(Block.of(Tiny.bare("attention", Attention.causal(1, 2))));
    ModelSpec causal = spec.withPlan(Plan.of(blocks));
    List<String> paths = Requirements.of(causal).readsLaterRows();
    assertEquals(1, paths.size(), "routers that read later rows");
    List<Unsupported> refused = kit.backend().check(causal, kit.options());
    assertEquals(paths, refused.stream().map(Unsupported::field).toList(), "what is refused");
    String text = refused.get(0).toString();
    assertTrue(text.endsWith("(rule D5)"), text + " does not name its rule");
    assertEquals(
        List.of(),
        kit.backend().check(causal, kit.options().accepting(paths.get(0))),
        "what is refused once it was accepted");
  }
}
