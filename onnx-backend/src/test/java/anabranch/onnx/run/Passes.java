package anabranch.onnx.run;

import anabranch.backend.Activations;
import anabranch.backend.Event;
import anabranch.backend.LoadedModel;
import anabranch.backend.Rows;
import anabranch.backend.SequenceState;
import anabranch.backend.Span;
import anabranch.backend.StageBatch;
import anabranch.backend.StageResult;
import anabranch.model.facts.Cut;
import anabranch.model.facts.StageSpec;
import anabranch.model.facts.Step;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes items through all stages, some rows at a time; rows freeze where they are told to leave.
 */
final class Passes {
  private final LoadedModel model;
  private final List<Step> steps;
  private final int outputs;
  private boolean cutting;

  Passes(LoadedModel model) {
    this.model = model;
    steps = Cut.of(model.spec()).steps();
    outputs = model.spec().head().outputs();
  }

  /** Brings the rows of each step as an event of their own. */
  Passes cuttingEvents() {
    cutting = true;
    return this;
  }

  /**
   * Returns the logits of each unit of each item, one after the other.
   *
   * @param exits for each item and row, the step behind which it leaves
   * @param step how many rows of each item run together
   */
  List<float[]> run(List<Event> events, List<int[]> exits, int step) {
    List<float[]> answers = new ArrayList<>();
    List<SequenceState> states = new ArrayList<>();
    int longest = 0;
    for (Event event : events) {
      int units = model.spec().head().pool().ofItem() ? 1 : event.rows();
      answers.add(new float[units * outputs]);
      states.add(model.newState(null));
      longest = Math.max(longest, event.rows());
    }
    for (int first = 0; first < longest; first += step) {
      chunk(events, exits, states, first, step, answers);
    }
    states.forEach(SequenceState::close);
    return answers;
  }

  private void chunk(
      List<Event> events,
      List<int[]> exits,
      List<SequenceState> states,
      int first,
      int step,
      List<float[]> answers) {
    @Nullable StageResult before = null;
    for (Step way : steps) {
      StageSpec stage = way.stage();
      List<Span> spans = new ArrayList<>();
      List<int[]> leavers = new ArrayList<>();
      int row = 0;
      for (int n = 0; n < events.size(); n++) {
        Event event = events.get(n);
        int count = Math.min(step, event.rows() - first);
        if (count <= 0) {
          continue;
        }
        Event[] source = new Event[count];
        Arrays.fill(source, cutting ? cut(event, first, count) : event);
        @Nullable Activations[] from = new Activations[count];
        Arrays.fill(from, before == null ? null : before.rows());
        int[] index = new int[count];
        int[] position = new int[count];
        byte[] flags = new byte[count];
        for (int i = 0; i < count; i++) {
          index[i] = row;
          position[i] = first + i;
          int exit = exits.get(n)[first + i];
          flags[i] = exit < way.index() ? Rows.FROZEN : Rows.SCORED;
          if (exit == way.index()) {
            leavers.add(new int[] {n, first + i, row});
          }
          row++;
        }
        SequenceState state = stage.keepsState() ? states.get(n) : null;
        spans.add(new Span(state, new Rows(source, from, index, position, flags)));
      }
      StageResult result =
          model.stages().get(stage.index()).run(new StageBatch(way.index(), spans, false));
      if (before != null) {
        before.rows().close();
        before.close();
      }
      before = result;
      answer(result, leavers, answers);
    }
    if (before != null) {
      before.rows().close();
      before.close();
    }
  }

  private static Event cut(Event event, int first, int count) {
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = event.token(first + i);
    }
    return Event.ofTokens(tokens).at(first);
  }

  private void answer(StageResult result, List<int[]> leavers, List<float[]> answers) {
    boolean ofItem = model.spec().head().pool().ofItem();
    for (int[] leaver : leavers) {
      int unit = ofItem ? leaver[0] : leaver[2];
      ByteBuffer read = ByteBuffer.allocate(4 * outputs).order(ByteOrder.BIG_ENDIAN);
      result.output(new int[] {unit}, read);
      int at = ofItem ? 0 : leaver[1];
      read.flip().asFloatBuffer().get(answers.get(leaver[0]), at * outputs, outputs);
    }
  }
}
