package anabranch.engine.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.ScriptedModel;
import anabranch.engine.Scripts;
import anabranch.engine.schedule.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ModesTest {
  /** Q2: mode, batch size and the rows in flight change no answer, and nothing stays open. */
  @Test
  void answersDoNotDependOnHowBatchesAreGathered() {
    List<Inference> plain = answers(EngineOptions.defaults().withMode(Mode.COMPACT));
    for (Mode mode : List.of(Mode.COMPACT, Mode.ADAPTIVE)) {
      for (int rows : new int[] {1, 3, 64}) {
        for (int inFlight : new int[] {1, 7, 1000}) {
          EngineOptions options =
              EngineOptions.defaults()
                  .withBatchRows(rows)
                  .withMode(mode)
                  .withInFlightRows(inFlight)
                  .withQueueItems(5);
          List<Inference> other = answers(options);
          for (int i = 0; i < plain.size(); i++) {
            requireSame(plain.get(i), other.get(i), options);
          }
        }
      }
    }
  }

  private static List<Inference> answers(EngineOptions options) {
    ScriptedModel model = new ScriptedModel(Scripts.causal());
    SplittableRandom random = new SplittableRandom(3);
    List<CompletableFuture<Inference>> open = new ArrayList<>();
    try (Engine engine = Engine.open(model, Scripts.both(), options)) {
      for (int n = 0; n < 150; n++) {
        int[] values = new int[1 + random.nextInt(4)];
        for (int i = 0; i < values.length; i++) {
          values[i] = 10 * (1 + random.nextInt(5)) + random.nextInt(3);
        }
        open.add(engine.submit(Scripts.item(values)));
      }
    }
    assertEquals(0, model.openHandles.get(), "handles");
    assertEquals(0, model.openStates.get(), "states");
    return open.stream().map(CompletableFuture::join).toList();
  }

  private static void requireSame(Inference one, Inference two, EngineOptions options) {
    for (int unit = 0; unit < one.units(); unit++) {
      float[] left = new float[one.outputs()];
      float[] right = new float[two.outputs()];
      one.logits(unit).get(left);
      two.logits(unit).get(right);
      assertArrayEquals(left, right, options.toString());
      assertEquals(one.exit(unit), two.exit(unit), options.toString());
    }
    assertEquals(one.flops(), two.flops(), options.toString());
  }
}
