package anabranch.onnx.run;

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
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Takes one event through some steps with all of its rows live and scored. */
final class Feeding {
  /** What routers decided, step by step. */
  final List<Trace.Choices> choices = new ArrayList<>();

  /** The scores behind each step. */
  final List<float[]> scores = new ArrayList<>();

  /** The labels behind each step. */
  final List<int[]> labels = new ArrayList<>();

  /** The logits of the last step. */
  float[] logits = new float[0];

  /** The rows where they are. */
  private @Nullable StageResult last;

  /** Feeds an event to all steps behind the encoder. */
  static Feeding of(LoadedModel model, SequenceState state, Event event) {
    Cut cut = Cut.of(model.spec());
    Feeding feeding = new Feeding();
    feeding.run(model, state, event, cut.steps().subList(cut.encoderSteps(), cut.steps().size()));
    feeding.close();
    return feeding;
  }

  /** Feeds an event to the encoder and returns the state of the sequence that reads it. */
  static SequenceState memory(LoadedModel model, Event event) {
    Cut cut = Cut.of(model.spec());
    Feeding feeding = new Feeding();
    feeding.run(model, null, event, cut.steps().subList(0, cut.encoderSteps()));
    SequenceState state = model.newState(feeding.rows(event));
    feeding.close();
    return state;
  }

  private void run(
      LoadedModel model, @Nullable SequenceState state, Event event, List<Step> steps) {
    for (Step step : steps) {
      SequenceState kept = step.stage().keepsState() ? state : null;
      Span span = new Span(kept, rows(event));
      StageResult result =
          model
              .stages()
              .get(step.stage().index())
              .run(new StageBatch(step.index(), List.of(span), true));
      close();
      last = result;
      choices.addAll(result.trace().choices());
      FloatBuffer score = result.scores();
      float[] values = new float[score.remaining()];
      score.get(values);
      scores.add(values);
      IntBuffer label = result.labels();
      int[] best = new int[label.remaining()];
      label.get(best);
      labels.add(best);
      if (step.stage().point().head() != null) {
        int units = values.length;
        int[] all = new int[units];
        Arrays.setAll(all, i -> i);
        int outputs = step.stage().point().head().outputs();
        ByteBuffer read = ByteBuffer.allocate(4 * units * outputs).order(ByteOrder.LITTLE_ENDIAN);
        result.output(all, read);
        logits = new float[units * outputs];
        read.flip().asFloatBuffer().get(logits);
      }
    }
  }

  private Rows rows(Event event) {
    int count = event.rows();
    Event[] source = new Event[count];
    Arrays.fill(source, event);
    @Nullable Activations[] from = new Activations[count];
    Arrays.fill(from, last == null ? null : last.rows());
    int[] index = new int[count];
    int[] position = new int[count];
    byte[] flags = new byte[count];
    Arrays.setAll(index, i -> i);
    Arrays.setAll(position, i -> event.firstPosition() + i);
    Arrays.fill(flags, Rows.SCORED);
    return new Rows(source, from, index, position, flags);
  }

  private void close() {
    if (last != null) {
      last.rows().close();
      last.close();
      last = null;
    }
  }
}
