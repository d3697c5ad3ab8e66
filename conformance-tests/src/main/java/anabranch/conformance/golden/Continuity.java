package anabranch.conformance.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.backend.Numerics;
import anabranch.checkpoint.Checkpoint;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.golden.recorded.Recording;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Deciding;
import anabranch.conformance.trial.Trial;
import anabranch.conformance.trial.Walk;
import anabranch.engine.Policy;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Dependence;
import anabranch.model.facts.Grouping;
import anabranch.model.facts.Requirements;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether what a published model answers depends on how its recorded lines come: as one ragged
 * batch, one by one, a row at a time with the state kept, or with the state carried as images. On a
 * backend that promises bits, all bits are the same; on others numbers are within {@link #BAR}.
 */
public final class Continuity {
  /** How far numbers may be apart where bits are not promised. */
  public static final double BAR = 1e-5;

  private final LoadedModel model;
  private final boolean bits;

  private Continuity(LoadedModel model) {
    this.model = model;
    bits = model.numerics().kind() == Numerics.Kind.BITWISE_BATCH_INVARIANT;
  }

  /**
   * Checks the cases of one recorded model; returns how many ways of one case were compared. Cases
   * whose rows see each other beyond their line are left out, and pieces where rows read later
   * ones.
   */
  public static int check(Path folder, Backend backend) {
    try (Recording recording = Recording.open(folder.resolve("golden.safetensors"));
        Checkpoint checkpoint = Checkpoint.open(folder);
        LoadedModel model =
            backend.load(
                checkpoint.spec(),
                checkpoint.weights(),
                Trial.accepting(LoadOptions.defaults(), checkpoint.spec()))) {
      Continuity continuity = new Continuity(model);
      int ways = 0;
      for (String name : recording.cases()) {
        if (recording.has(name + ".logits")) {
          boolean encoder = checkpoint.spec().encoder() != null;
          List<Sequence> lines = Inputs.whole(recording, name, encoder).sequences();
          ways += continuity.compare(folder.getFileName() + " " + name, lines);
        }
      }
      return ways;
    }
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
        for (int c = 0; c < expected.get(n).logits[unit].length; c++) {
          assertEquals(
              expected.get(n).logits[unit][c],
              actual.get(n).logits[unit][c],
              BAR,
              line + " unit " + unit);
        }
      }
    }
  }
}
