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
import java.util.function.Consumer;

/**
 * Lines of one kind: the first half of them count as normal, the others are judged. Immutable.
 *
 * @param kind as {@link Kind#of} names it
 * @param lines lines with text in them, each of at most {@value #LONGEST} bytes
 */
record KindText(String kind, List<byte[]> lines) {
  /** The most bytes of a line; longer ones are left out. */
  static final int LONGEST = 2_000;

  /** How many lines stay together. */
  static final int BLOCK = 50;

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
   * Reads the files below a folder. Of a kind with too many lines it takes blocks that lie evenly
   * spaced over all of its files; the order of the blocks is drawn, so that no file or project is
   * in one half alone.
   *
   * @param most how many lines of a kind are read at most, at least {@value #BLOCK}
   * @param seed draws the order
   * @return the kinds by name
   */
  static List<KindText> read(String folder, int most, long seed) throws IOException {
    Map<String, List<String>> files = new TreeMap<>();
    for (String file : TextSource.of(List.of(folder)).sources()) {
      files.computeIfAbsent(Kind.of(file), any -> new ArrayList<>()).add(file);
    }
    List<KindText> texts = new ArrayList<>();
    for (Map.Entry<String, List<String>> kind : files.entrySet()) {
      List<List<byte[]>> blocks = blocks(kind.getValue(), most);
      Collections.shuffle(blocks, new Random(seed));
      texts.add(new KindText(kind.getKey(), blocks.stream().flatMap(List::stream).toList()));
    }
    return texts;
  }

  private static List<List<byte[]>> blocks(List<String> files, int most) throws IOException {
    long[] lines = {0};
    forEachLine(files, line -> lines[0]++);
    long all = (lines[0] + BLOCK - 1) / BLOCK;
    long kept = Math.min(all, most / BLOCK);
    List<List<byte[]>> blocks = new ArrayList<>();
    long[] next = {0};
    forEachLine(
        files,
        line -> {
          long block = next[0] / BLOCK;
          if ((block + 1) * kept / all > block * kept / all) {
            if (next[0] % BLOCK == 0) {
              blocks.add(new ArrayList<>());
            }
            blocks.get(blocks.size() - 1).add(line);
          }
          next[0]++;
        });
    return blocks;
  }

  private static void forEachLine(List<String> files, Consumer<byte[]> each) throws IOException {
    for (String file : files) {
      try (LineIterator lines = TextSplit.of(file).getIterator()) {
        while (lines.hasNext()) {
          Line line = lines.next();
          if (!line.blank() && line.bytes().length <= LONGEST) {
            each.accept(line.bytes());
          }
        }
      }
    }
  }
}
