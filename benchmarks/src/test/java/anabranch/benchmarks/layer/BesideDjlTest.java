package anabranch.benchmarks.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.process.Child;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BesideDjlTest {
  private static final Shape SHAPE = new Shape(16, 8, 4, 2, 0);

  @TempDir Path folder;

  /**
   * What a program of the other side is, in plain loops; the last argument says by what factor its
   * gates are wrong.
   */
  static final class Loops {
    private final float[][] numbers;
    private final int[] sizes;
    private final double factor;

    private Loops(String[] args) throws IOException {
      sizes = Arrays.stream(args, 1, 6).mapToInt(Integer::parseInt).toArray();
      factor = Double.parseDouble(args[6]);
      FloatBuffer all =
          ByteBuffer.wrap(Files.readAllBytes(Path.of(args[0])))
              .order(ByteOrder.LITTLE_ENDIAN)
              .asFloatBuffer();
      numbers = new float[2 + 2 * sizes[3]][];
      for (int i = 0; i < numbers.length; i++) {
        int high = i == 0 ? sizes[0] : i == 1 ? sizes[3] : sizes[2];
        numbers[i] = new float[high * sizes[1]];
        all.get(numbers[i]);
      }
      assertEquals(0, all.remaining());
    }

    public static void main(String[] args) throws IOException {
      Loops loops = new Loops(args);
      System.out.println("ready");
      BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.split(" ");
        if (words[0].equals("result")) {
          Files.write(Path.of(words[2]), loops.result(Integer.parseInt(words[1])));
        }
        System.out.println("1000 1000 1000");
      }
    }

    private static double dot(float[] matrix, int row, double[] x) {
      double sum = 0;
      for (int c = 0; c < x.length; c++) {
        sum += matrix[row * x.length + c] * x[c];
      }
      return sum;
    }

    private byte[] result(int count) {
      int width = sizes[1];
      ByteBuffer result = ByteBuffer.allocate(4 * count * width).order(ByteOrder.LITTLE_ENDIAN);
      for (int row = 0; row < count; row++) {
        double[] x = new double[width];
        for (int c = 0; c < width; c++) {
          x[c] = numbers[0][row * width + c];
        }
        float[] logits = new float[sizes[3]];
        for (int e = 0; e < logits.length; e++) {
          logits[e] = (float) dot(numbers[1], e, x);
        }
        int[] chosen = SHAPE.choose(logits, 0);
        float[] gates = SHAPE.weigh(logits, 0, chosen);
        double[] sum = x.clone();
        for (int i = 0; i < chosen.length; i++) {
          double[] hidden = new double[sizes[2]];
          for (int j = 0; j < hidden.length; j++) {
            hidden[j] = Math.max(0, dot(numbers[2 + 2 * chosen[i]], j, x));
          }
          for (int c = 0; c < width; c++) {
            sum[c] += factor * gates[i] * dot(numbers[3 + 2 * chosen[i]], c, hidden);
          }
        }
        for (double each : sum) {
          result.putFloat((float) each);
        }
      }
      return result.array();
    }
  }

  private static Function<List<String>, Child> loops(double factor) {
    return arguments ->
        new Child(
            System.getProperty("java.class.path"),
            Loops.class.getName(),
            List.of(),
            Map.of(),
            Duration.ofMinutes(1),
            Stream.concat(arguments.stream(), Stream.of(Double.toString(factor))).toList());
  }

  @Test
  void anotherProgramReadsTheLayerAnswersAlikeAndIsTimed() {
    Report report = new Report("djl", line -> {});
    BesideDjl.run(loops(1), folder, SHAPE, "onnx", 1, report);
    List<String> names = report.findings().stream().map(Finding::name).toList();
    assertTrue(names.contains("djl.D16.F8.E4.K2.T1.cold.ours/DJL"), names.toString());
    assertTrue(names.contains("djl.D16.F8.E4.K2.T2048.DJL/DJL's floor"), names.toString());
    report.findings().stream()
        .filter(finding -> !Double.isNaN(finding.goal()))
        .forEach(finding -> assertTrue(finding.floor() > 0, finding.toString()));
  }

  @Test
  void anotherProgramThatAnswersOtherwiseIsNotTimed() {
    Report report = new Report("djl", line -> {});
    AssertionError differs =
        assertThrows(
            AssertionError.class,
            () -> BesideDjl.run(loops(1.01), folder, SHAPE, "onnx", 1, report));
    assertTrue(differs.getMessage().contains(" of DJL is "), differs.getMessage());
    assertEquals(List.of(), report.findings());
  }
}
