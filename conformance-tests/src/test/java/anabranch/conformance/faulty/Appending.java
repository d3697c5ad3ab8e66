package anabranch.conformance.faulty;

import anabranch.backend.LoadedModel;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;

/** Appends keys and values span by span as it goes, so that a failed call leaves some behind. */
final class Appending extends Broken {
  private final Map<SequenceState, Map<Integer, Integer>> surplus = new WeakHashMap<>();

  @Override
  StageResult run(LoadedModel model, int stage, StageBatch batch) {
    List<Span> appended = new ArrayList<>();
    for (Span span : batch.spans()) {
      int shift = surplus(span).getOrDefault(batch.slot(), 0);
      appended.add(
          new Span(span.state(), Regrouped.copy(span.rows(), Regrouped.flags(span.rows()), shift)));
    }
    try {
      return model.stages().get(stage).run(new StageBatch(batch.slot(), appended, batch.trace()));
    } catch (RuntimeException failed) {
      Span first = appended.get(0);
      model.stages().get(stage).run(new StageBatch(batch.slot(), List.of(first), false)).close();
      surplus(first).merge(batch.slot(), first.rows().size(), Integer::sum);
      throw failed;
    }
  }

  private Map<Integer, Integer> surplus(Span span) {
    return span.state() == null
        ? new HashMap<>()
        : surplus.computeIfAbsent(span.state(), state -> new HashMap<>());
  }
}
