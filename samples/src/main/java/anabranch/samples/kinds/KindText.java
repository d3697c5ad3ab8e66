package anabranch.samples.kinds;

import anabranch.samples.alarm.Kind;
import anabranch.samples.text.Line;
import anabranch.samples.text.LineIterator;
import anabranch.samples.text.TextSource;
import anabranch.samples.text.TextSplit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Lines of one kind: the first half of them count as normal, the others are judged. Immutable.
 *
 * @param kind as {@link Kind#of} names it
 * @param lines lines with text in them, each of at most {@value #LONGEST} bytes
 */
record KindText(String kind, List<byte[]> lines) {
  /** The most bytes of a line; longer ones are left out. */
  static final int LONGEST = 2_000;

  KindText {
    lines = List.copyOf(lines);
  }

  List<byte[]> normal() {
    return lines.subList(0, lines.size() / 2);
  }

  List<byte[]> others() {
    return lines.subList(lines.size() / 2, lines.size());
  }

  /**
   * Reads the files below a folder, in an order drawn by a seed so that no project fills a kind
   * alone, until each kind has enough lines.
   *
   * @param most how many lines of a kind are read at most
   * @return the kinds by name
   */
  static List<KindText> read(String folder, int most, long seed) throws IOException {
    List<String> files = new ArrayList<>(TextSource.of(List.of(folder)).sources());
    Collections.shuffle(files, new Random(seed));
    Map<String, List<byte[]>> kinds = new TreeMap<>();
    for (String file : files) {
      List<byte[]> lines = kinds.computeIfAbsent(Kind.of(file), any -> new ArrayList<>());
      try (LineIterator from = TextSplit.of(file).getIterator()) {
        while (lines.size() < most && from.hasNext()) {
          Line line = from.next();
          if (!line.blank() && line.bytes().length <= LONGEST) {
            lines.add(line.bytes());
          }
        }
      }
    }
    List<KindText> texts = new ArrayList<>();
    kinds.forEach((kind, lines) -> texts.add(new KindText(kind, lines)));
    return texts;
  }
}
