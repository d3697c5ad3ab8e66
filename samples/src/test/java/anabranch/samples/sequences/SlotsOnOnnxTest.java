package anabranch.samples.sequences;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import anabranch.engine.Inference;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A memory of one size for each key, written after the answer, in a job that is killed. */
@Timeout(120)
class SlotsOnOnnxTest {
  private static final int WORDS = 500;
  private static final int SPEAKERS = 12;

  @Test
  void aJobThatWasKilledAnswersFromTheMemoryThatEveryAnswerBeforeLeft(@TempDir Path folder)
      throws Exception {
    int[][] words = words();
    Map<Integer, String> expected = new HashMap<>();
    Map<Integer, float[]> kept = new HashMap<>();
    int read = 0;
    try (SlotMemory memory = new SlotMemory()) {
      for (int[] word : words) {
        float[] slots = kept.getOrDefault(word[1], nothing());
        Inference answer = memory.answer(slots, query(word));
        expected.put(word[0], text(word, answer));
        kept.put(word[1], memory.write(slots, answer, query(word)));
        String forgetful = text(word, memory.answer(nothing(), query(word)));
        read += forgetful.equals(expected.get(word[0])) ? 0 : 1;
      }
    }
    assertEquals(WORDS - kept.size(), read, "answers that the memory changed");
    assertNotEquals(0, read);
    Map<Integer, String> seen =
        KilledJob.answers(
            words, folder, stream -> stream.process(new Remembering()).returns(Types.STRING));
    assertEquals(expected, seen);
  }

  /** Answers, lets the answer go, and then writes the memory of the key. */
  private static final class Remembering extends KeyedProcessFunction<Integer, int[], String> {
    private static final long serialVersionUID = 1L;
    private transient SlotMemory memory;
    private transient ValueState<float[]> slots;

    @Override
    public void open(OpenContext context) {
      memory = new SlotMemory();
      slots =
          getRuntimeContext()
              .getState(
                  new ValueStateDescriptor<>(
                      "slots", PrimitiveArrayTypeInfo.FLOAT_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public void processElement(int[] word, Context context, Collector<String> out)
        throws Exception {
      float[] before = slots.value() == null ? nothing() : slots.value();
      Inference answer = memory.answer(before, query(word));
      out.collect(text(word, answer));
      slots.update(memory.write(before, answer, query(word)));
    }

    @Override
    public void close() {
      if (memory != null) {
        memory.close();
      }
    }
  }

  private static float[] nothing() {
    return new float[SlotMemory.WIDTH * SlotMemory.SLOTS];
  }

  private static int[] query(int[] word) {
    return Arrays.copyOfRange(word, 3, word.length);
  }

  private static int[][] words() {
    SplittableRandom random = new SplittableRandom(8);
    int[][] words = new int[WORDS][];
    for (int n = 0; n < WORDS; n++) {
      int[] query = random.ints(1 + random.nextInt(4), 0, 40).toArray();
      words[n] = new int[3 + query.length];
      words[n][0] = n;
      words[n][1] = random.nextInt(SPEAKERS);
      System.arraycopy(query, 0, words[n], 3, query.length);
    }
    return words;
  }

  private static String text(int[] word, Inference answer) {
    StringBuilder text = new StringBuilder().append(word[0]).append(' ').append(word[1]);
    for (int unit = 0; unit < answer.units(); unit++) {
      text.append(' ').append(answer.label(unit)).append('@');
      KilledJob.bits(text, answer.logits(unit));
    }
    return text.toString();
  }
}
