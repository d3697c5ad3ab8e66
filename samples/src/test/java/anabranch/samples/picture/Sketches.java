package anabranch.samples.picture;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Small runs to draw. */
final class Sketches {
  static final List<byte[]> HOSTILE =
      List.of(
          utf8("</script></style></svg>--><img src=x onerror=alert(1)> & 'a' \"b\"\n"),
          utf8("\u001b]0;title\u0007 \u001b[2J\u001b[31mred \u009b31m \r over \0 \u007f\n"),
          new byte[] {(byte) 0xff, (byte) 0xfe, 'a', (byte) 0xe2, (byte) 0x82, '\n'},
          utf8("\u202etxt.exe\u202c e\u0301 \u200b naïve 価格 € 😀 &lt;b&gt;\n"),
          utf8("@import url(https://example.org/a.css); background: url(//b)\n"));

  private Sketches() {}

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Returns a line whose bits and exits come from its bytes. */
  static ByteLine line(String source, long number, byte[] text) {
    Random random = new Random(Arrays.hashCode(text) + number);
    float[] bits = new float[text.length];
    byte[] exits = new byte[text.length];
    for (int i = 0; i < text.length; i++) {
      bits[i] = (float) (random.nextDouble() * random.nextDouble() * 14);
      exits[i] = (byte) random.nextInt(3);
    }
    return new ByteLine(source, number, text, bits, exits);
  }

  static Gallery gallery() {
    Gallery gallery = new Gallery(3);
    for (int i = 0; i < HOSTILE.size(); i++) {
      gallery.add(line("<b onload=x>\u001b[1m'\".java", i + 1, HOSTILE.get(i)), true);
    }
    for (int i = 0; i < 60; i++) {
      gallery.add(
          line("Plain.java", i + 1, utf8("  int count" + i + " = 1 << " + i + ";\n")), false);
    }
    gallery.add(line("long.txt", 1, "x".repeat(5_000).getBytes(StandardCharsets.UTF_8)), true);
    return gallery;
  }

  static Run run() {
    return new Run(
        "model-<1>",
        "1",
        "cpu, fp32",
        List.of(
            new Run.Stage("early", 2, 3_111),
            new Run.Stage("middle", 4, 2_222),
            new Run.Stage("end", 6, 1_333)),
        66,
        3,
        6_666,
        12_345.678,
        1.75,
        22_222,
        8_000_001,
        12_345_678,
        new Run.Latency(12.345, 234.567, 1_234.5),
        new Run.Latency(1.25, 9.75, 617.25),
        List.of(List.of(1L, 2L, 30L, 4L), List.of(10L, 10L, 10L, 10L), List.of(0L, 0L, 0L, 7L)),
        new Run.Agreement(7, 777, 6, 765));
  }

  static Run.Curve curve() {
    return new Run.Curve(
        40,
        400,
        1_000,
        3.5,
        List.of(point(2, 5_400, 40, 999), point(0, 4_100, 38, 985), point(-2, 3_300, 21, 903)));
  }

  private static Run.Point point(double shift, long blocks, long close, long same) {
    Map<String, Double> thresholds = Map.of("early", 0.95 + shift / 100, "middle", 0.6 + shift / 9);
    return new Run.Point(
        shift,
        thresholds,
        blocks,
        blocks * 1_000,
        6_000_000,
        2_100 - shift,
        new Run.Agreement(40, 1_000, close, same));
  }
}
