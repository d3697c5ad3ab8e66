package anabranch.samples.next;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Who writes what: each writer types some lines of a text, and all of them type at once. Immutable;
 * any thread.
 *
 * @param texts what each writer types, by name
 */
record Writers(Map<String, byte[]> texts) {
  /**
   * Returns one writer for each part of each file.
   *
   * @param lines how many lines a part has
   */
  static Writers of(List<Path> files, int lines) throws IOException {
    Map<String, byte[]> texts = new LinkedHashMap<>();
    for (Path file : files) {
      byte[] all = Files.readAllBytes(file);
      int line = 0;
      int from = 0;
      int first = 1;
      for (int at = 0; at < all.length; at++) {
        if (all[at] == '\n' && ++line % lines == 0 || at == all.length - 1) {
          texts.put(file.getFileName() + ":" + first, Arrays.copyOfRange(all, from, at + 1));
          from = at + 1;
          first = line + 1;
        }
      }
    }
    return new Writers(texts);
  }

  /** Returns the bytes of all, in an order that a seed draws; those of one writer in theirs. */
  List<Keystroke> strokes(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Map.Entry<String, byte[]>> busy = new ArrayList<>(texts.entrySet());
    Map<String, Integer> written = new LinkedHashMap<>();
    List<Keystroke> strokes = new ArrayList<>();
    while (!busy.isEmpty()) {
      int who = random.nextInt(busy.size());
      Map.Entry<String, byte[]> writer = busy.get(who);
      int number = written.merge(writer.getKey(), 1, Integer::sum) - 1;
      if (number == writer.getValue().length) {
        busy.remove(who);
      } else {
        strokes.add(new Keystroke(writer.getKey(), number, writer.getValue()[number] & 0xff));
      }
    }
    return strokes;
  }
}
