package anabranch.conformance.reference;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.backend.Trace;
import anabranch.model.facts.Cut;
import anabranch.model.facts.Step;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Takes events of sequences through all steps of a model; rows leave at exits as they are told. */
final class Ride {
  private final LoadedModel model;
  private final Cut cut;
  final List<Trace.Choices> choices = new ArrayList<>();

  Ride(LoadedModel model) {
    this.model = model;
    cut = Cut.of(model.spec());
  }

  /** Returns the logits of every row at the end. */
  float[][] through(SequenceState state, Event event) {
    return through(List.of(state), List.of(event), Set.of()).get(0);
  }

  /**
   * Takes one event of each sequence through the steps behind the encoder.
   *
   * @param leavers positions of rows that freeze at the first exit and have its logits
   */
  List<float[][]> through(List<SequenceState> states, List<Event> events, Set<Integer> leavers) {
    List<float[][]> answers = new ArrayList<>();
    events.forEach(event -> answers.add(new float[event.rows()][]));
    Activations from = null;
    boolean left = false;
    for (Step step : cut.steps().subList(cut.encoderSteps(), cut.steps().size())) {
      StageBatch batch = batch(step, states, events, from, left ? leavers : Set.of());
      try (StageResult result = model.stages().get(step.stage().index()).run(batch)) {
        from = result.rows();
        choices.addAll(result.trace().choices());
        boolean end = step.index() == cut.steps().size() - 1;
        int row = 0;
        for (int n = 0; n < events.size(); n++) {
          for (int i = 0; i < events.get(n).rows(); i++, row++) {
            boolean leaves = leavers.contains(events.get(n).firstPosition() + i);
            if (leaves ? !left : end) {
              answers.get(n)[i] = output(result, row);
            }
          }
        }
        left = true;
      }
    }
    return answers;
  }

  private float[] output(StageResult result, int unit) {
    if (model.spec().head().outputs() == 0 || result.scores().capacity() <= unit) {
      throw new AssertionError("unit " + unit + " is not in the result");
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * model.spec().head().outputs());
    result.output(new int[] {unit}, bytes);
    float[] logits = new float[model.spec().head().outputs()];
    bytes.flip().asFloatBuffer().get(logits);
    return logits;
  }

  static StageBatch batch(
      Step step,
      List<SequenceState> states,
      List<Event> events,
      @Nullable Activations from,
      Set<Integer> frozen) {
    List<Span> spans = new ArrayList<>();
    int row = 0;
    for (int n = 0; n < events.size(); n++) {
      Event event = events.get(n);
      int size = event.rows();
      Event[] brought = new Event[size];
      @Nullable Activations[] handles = new Activations[size];
      int[] index = new int[size];
      int[] position = new int[size];
      byte[] flags = new byte[size];
      Arrays.fill(brought, event);
      Arrays.fill(handles, from);
      for (int i = 0; i < size; i++) {
        index[i] = row++;
        position[i] = event.firstPosition() + i;
        flags[i] = frozen.contains(position[i]) ? Rows.FROZEN : Rows.SCORED;
      }
      SequenceState state = step.stage().keepsState() ? states.get(n) : null;
      spans.add(new Span(state, new Rows(brought, handles, index, position, flags)));
    }
    return new StageBatch(step.index(), spans, true);
  }
}
