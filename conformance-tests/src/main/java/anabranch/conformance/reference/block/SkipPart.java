package anabranch.conformance.reference.block;

import static anabranch.conformance.reference.part.Arithmetic.times;

import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Memory;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Asking;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.reference.route.RouterPart;
import anabranch.model.layer.Skip;
import anabranch.model.route.Source;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A skip with its weights: a bank of one member. */
final class SkipPart implements OperationPart {
  private final Skip skip;
  private final String path;
  private final RouterPart router;
  private final OperationPart operation;

  SkipPart(Skip skip, String path, Parameters parameters) {
    this.skip = skip;
    this.path = path;
    router = RouterPart.read(skip.router(), 1, path + ".router", parameters);
    operation = OperationPart.read(skip.operation(), skip.operationPath(path), parameters);
  }

  @Override
  public List<String> attentions() {
    return operation.attentions();
  }

  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    Taken taken = new Taken(path, 1, v.length, 1);
    pass.taken.add(taken);
    recall(pass, ways, taken);
    taken.ask(router, pass, v, ways);
    keep(pass, taken);
    Way[] inner = inner(pass, v, ways, taken);
    double[][] computed = operation.of(pass, v, inner);
    double[][] result = new double[v.length][];
    for (int row = 0; row < v.length; row++) {
      Choice choice = taken.choices[row];
      if (choice != null && inner[row] == Way.RUN) {
        result[row] = times(choice.gate(0), computed[row]);
        taken.ran[0]++;
      } else {
        result[row] = new double[v[row].length];
      }
    }
    return result;
  }

  /** Rule S2: a decision that was taken on a sequence's first event holds for every later one. */
  private void recall(Pass pass, Way[] ways, Taken taken) {
    for (int i = 0; i < ways.length && skip.router().source() == Source.PROMPT_MEAN; i++) {
      double[] kept = pass.rows.get(i).memory.kept(pass.at(path));
      if (kept != null && ways[i] == Way.RUN) {
        List<Integer> own = kept.length == 0 ? List.of() : List.of(0);
        List<Integer> forced = pass.forced.of(path, pass.rows.get(i));
        List<Integer> now = forced == null ? own : forced.stream().filter(e -> e != -1).toList();
        double gate = kept.length == 0 ? 0 : kept[0];
        taken.choices[i] =
            new Choice(
                now,
                now.stream().map(e -> gate).toList(),
                own,
                now.stream().map(e -> gate).toList(),
                Double.POSITIVE_INFINITY);
      }
    }
  }

  private void keep(Pass pass, Taken taken) {
    for (int i = 0; i < taken.choices.length; i++) {
      Choice choice = taken.choices[i];
      Memory memory = pass.rows.get(i).memory;
      String place = pass.at(path);
      if (choice != null
          && skip.router().source() == Source.PROMPT_MEAN
          && memory.kept(place) == null) {
        memory.keep(place, choice.gates().stream().mapToDouble(gate -> gate).toArray());
      }
    }
  }

  /** Returns whether a whole sequence runs, as far as one of its rows knows. */
  private @Nullable Boolean runs(Pass pass, int i, double[] v, @Nullable Choice choice) {
    Row row = pass.rows.get(i);
    double[] kept = row.memory.kept(pass.at(path));
    if (choice == null && skip.router().source() == Source.KEY) {
      Asking asking = new Asking(row.span, row.event, row.position, v, row.carried, null);
      choice = router.decide(List.of(asking), pass.block).get(0);
    }
    if (choice != null) {
      return !choice.experts().isEmpty();
    }
    return kept == null ? null : Boolean.valueOf(kept.length > 0);
  }

  /**
   * Rule A6 at a skip: rows that were not picked pass as {@code keys} says, frozen rows as they
   * pass every operation, unless their whole sequence skips this one and shows nothing.
   */
  private Way[] inner(Pass pass, double[][] v, Way[] ways, Taken taken) {
    Map<Integer, Boolean> runs = new HashMap<>();
    for (int i = 0; i < ways.length && skip.router().source().ofSequence(); i++) {
      Boolean mine = runs(pass, i, v[i], taken.choices[i]);
      if (mine != null) {
        runs.put(pass.rows.get(i).span, mine);
      }
    }
    Way[] inner = ways.clone();
    for (int i = 0; i < ways.length; i++) {
      Choice choice = taken.choices[i];
      if (choice != null) {
        inner[i] = choice.experts().isEmpty() ? Way.around(skip.keys()) : Way.RUN;
      } else if (Way.around(skip.keys()) == Way.NOTHING
          && !runs.getOrDefault(pass.rows.get(i).span, true)) {
        inner[i] = Way.NOTHING;
      }
    }
    return inner;
  }
}
