package anabranch.conformance.golden.recorded;

import anabranch.backend.Event;
import anabranch.conformance.space.Sequence;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a case feeds in: a line of the batch becomes a sequence, without its padding.
 *
 * @param memory what encoders read; null for models without one
 * @param steps what comes call by call, the same lines in each
 * @param sequences one for each line
 */
public record Inputs(@Nullable Batch memory, List<Batch> steps, List<Sequence> sequences) {
  private static final String MASK = "attention_mask";

  /** Returns all rows of a case in one call. */
  public static Inputs whole(Recording recording, String name, boolean encoder) {
    String in = name + ".in.";
    String ids = in + (encoder ? "decoder_input_ids" : "input_ids");
    String mask = in + (encoder ? "decoder_" : "") + MASK;
    return of(recording, in, encoder, List.of(ids), mask);
  }

  /** Returns the keys of what came call by call; none where a case came in one call. */
  public static List<String> calls(Recording recording, String name, boolean encoder) {
    List<String> ids = new ArrayList<>();
    String step = name + ".step";
    for (int n = 0; recording.has(step + n + ".logits"); n++) {
      ids.add(step + n + (encoder ? ".decoder_input_ids" : ".input_ids"));
    }
    return ids;
  }

  /** Returns the rows of a case call by call, whose ids stand under these keys. */
  public static Inputs inSteps(
      Recording recording, String name, boolean encoder, List<String> ids) {
    String in = name + ".in.";
    return of(recording, in, encoder, ids, encoder ? "" : in + MASK);
  }

  private static Inputs of(
      Recording recording, String in, boolean encoder, List<String> keys, String mask) {
    Batch memory = encoder ? Batch.of(recording, in + "input_ids", in + MASK) : null;
    List<Batch> steps = new ArrayList<>();
    List<int[]> ids = new ArrayList<>();
    for (String key : keys) {
      steps.add(Batch.of(recording, key, steps.isEmpty() ? mask : ""));
      ids.add(recording.ints(key));
    }
    if (recording.has(in + "position_ids")) {
      steps.get(0).requirePositions(recording, in + "position_ids");
    }
    List<Sequence> sequences = new ArrayList<>();
    for (int line = 0; line < steps.get(0).lines().size(); line++) {
      List<Event> events = new ArrayList<>();
      int position = 0;
      for (int step = 0; step < keys.size(); step++) {
        int[] tokens = steps.get(step).take(line, ids.get(step));
        events.add(Event.ofTokens(tokens).at(position));
        position += tokens.length;
      }
      Event read = null;
      if (memory != null) {
        read = Event.ofTokens(memory.take(line, recording.ints(in + "input_ids")));
      }
      sequences.add(new Sequence(read, events));
    }
    return new Inputs(memory, steps, sequences);
  }

  /** Returns the same rows with tokens that a run of its own chose, as ids of one more step. */
  public Inputs then(List<Integer> tokens) {
    List<Batch> more = new ArrayList<>(steps);
    more.add(new Batch(1, tokens.stream().map(token -> List.of(0)).toList()));
    List<Sequence> longer = new ArrayList<>();
    for (int line = 0; line < tokens.size(); line++) {
      Sequence sequence = sequences.get(line);
      List<Event> events = new ArrayList<>(sequence.events());
      events.add(Event.ofTokens(tokens.get(line)).at(sequence.rows()));
      longer.add(new Sequence(sequence.memory(), events));
    }
    return new Inputs(memory, more, longer);
  }

  /** Returns the rows of all steps in one call; arrays have the steps' columns side by side. */
  public Inputs joined() {
    List<List<Integer>> lines = new ArrayList<>();
    List<Sequence> whole = new ArrayList<>();
    int columns = steps.stream().mapToInt(Batch::columns).sum();
    for (int line = 0; line < sequences.size(); line++) {
      List<Integer> all = new ArrayList<>();
      int before = 0;
      for (Batch step : steps) {
        for (int column : step.lines().get(line)) {
          all.add(before + column);
        }
        before += step.columns();
      }
      lines.add(all);
      whole.add(sequences.get(line).cut(Integer.MAX_VALUE));
    }
    return new Inputs(memory, List.of(new Batch(columns, lines)), whole);
  }

  /** Returns the position of the first row of a step in the sequence of a line. */
  public int first(int step, int line) {
    return sequences.get(line).events().get(step).firstPosition();
  }
}
