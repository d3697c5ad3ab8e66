package anabranch.flink;

import anabranch.backend.Event;
import anabranch.engine.Inference;
import anabranch.model.Input;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Records of these tests: token ids, split at the model's length; results: what came of them. */
final class Tokens {
  private static final int MAX_LENGTH = 8;

  private Tokens() {}

  static List<Event> events(int[] tokens, Input input) {
    List<Event> events = new ArrayList<>();
    for (int from = 0; from < tokens.length; from += input.maxLength()) {
      int to = Math.min(tokens.length, from + input.maxLength());
      events.add(Event.ofTokens(Arrays.copyOfRange(tokens, from, to)));
    }
    return events;
  }

  /** One event whatever its length, for records that do not fit. */
  static List<Event> unsplit(int[] tokens, Input input) {
    return List.of(Event.ofTokens(tokens));
  }

  static String result(int[] tokens, List<Inference> inferences) {
    return Arrays.toString(tokens)
        + inferences.stream()
            .map(i -> " " + (long) i.logits(0).get(0) + "@" + (int) i.logits(0).get(1))
            .collect(Collectors.joining());
  }

  /** What {@link #result} must be, without backend or engine. */
  static String expected(int... tokens) {
    StringBuilder text = new StringBuilder(Arrays.toString(tokens));
    for (int from = 0; from < tokens.length; from += MAX_LENGTH) {
      int[] part = Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + MAX_LENGTH));
      text.append(" ").append(IntStream.of(part).asLongStream().sum()).append("@");
      text.append(part[0] % 3);
    }
    return text.toString();
  }
}
