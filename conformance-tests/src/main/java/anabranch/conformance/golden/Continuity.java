package anabranch.conformance.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Deciding;
import anabranch.conformance.trial.Subject;
import anabranch.conformance.trial.Tolerance;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Dependence;
import anabranch.model.facts.Grouping;
import anabranch.model.facts.Requirements;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Whether what a published model answers depends on how its recorded lines come: as one ragged
 * batch, one by one, a row at a time with the state kept, or with the state carried as images. On a
 * backend that promises bits, all bits are the same; on others numbers are within {@link #BAR}, or
 * twice what the backend declares.
 */
public final class Continuity {
  /** How far numbers may be apart where bits are not promised. */
  public static final double BAR = 1e-5;

  private final LoadedModel model;
  private final Tolerance tolerance;
  private final boolean bits;

  private Continuity(LoadedModel model, Tolerance tolerance) {
    this.model = model;
    this.tolerance = tolerance;
    bits = model.numerics().kind() == Numerics.Kind.BITWISE_BATCH_INVARIANT;
  }

  /**
   * Checks the cases of one recorded model; returns how many ways of one case were compared. Cases
   * whose rows see each other beyond their line are left out, and pieces where rows read later
   * ones.
   */
  public static int check(Path folder, Subject kit) {
    try (OpenedModel opened = OpenedModel.of(folder)) {
      return check(opened, kit);
    }
  }

  static int check(OpenedModel opened, Subject kit) {
    ModelSpec spec = opened.checkpoint().spec();
    boolean encoder = spec.encoder() != null;
    int ways = 0;
    try (LoadedModel model =
        kit.backend()
            .load(spec, opened.checkpoint().weights(), Trial.accepting(kit.options(), spec))) {
      Continuity continuity = new Continuity(model, kit.tolerance(model.numerics()));
      for (String name : opened.recording().cases()) {
        List<String> calls = Inputs.calls(opened.recording(), name, encoder);
        List<Sequence> lines = List.of();
        if (opened.recording().has(name + ".logits")) {
          lines = Inputs.whole(opened.recording(), name, encoder).sequences();
        } else if (!calls.isEmpty()) {
          lines = Inputs.inSteps(opened.recording(), name, encoder, calls).joined().sequences();
        }
        if (!lines.isEmpty()) {
          ways += continuity.compare(opened.name() + " " + name, lines);
        }
      }
    }
    return ways;
  }

  private int compare(String name, List<Sequence> lines) {
    if (Dependence.of(model.spec()) == Dependence.BATCH) {
      return 0;
    }
    List<Answered> whole = walk().run(lines);
    List<Answered> alone = new ArrayList<>();
    lines.forEach(line -> alone.addAll(walk().run(List.of(line))));
    same(name + " one by one", whole, alone);
    boolean pieces =
        Requirements.of(model.spec()).readsLaterRows().isEmpty()
            && Cut.of(model.spec()).stages().stream()
                .allMatch(stage -> stage.encoder() || stage.grouping() != Grouping.WHOLE);
    if (!pieces) {
      return 1;
    }
    same(name + " row by row", whole, walk().inSteps(1).run(lines));
    same(name + " from images", whole, walk().inSteps(2).travellingAsImages().run(lines));
    return 3;
  }

  private Walk walk() {
    return new Walk(model, Deciding.by(Policy.fullDepth()));
  }

  private void same(String what, List<Answered> expected, List<Answered> actual) {
    for (int n = 0; n < expected.size(); n++) {
      String line = what + " line " + n;
      if (bits) {
        assertEquals(expected.get(n).bits(), actual.get(n).bits(), line);
      }
      for (int unit = 0; unit < expected.get(n).logits.length; unit++) {
        float[] logits = expected.get(n).logits[unit];
        double[] row = IntStream.range(0, logits.length).mapToDouble(c -> logits[c]).toArray();
        double allowed = Math.max(BAR, 2 * tolerance.of(row));
        for (int c = 0; c < row.length; c++) {
          assertEquals(row[c], actual.get(n).logits[unit][c], allowed, line + " unit " + unit);
        }
      }
    }
  }
}
