package anabranch.samples.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextSourceTest {
  @TempDir Path folder;

  @Test
  void linesKeepTheirBytesAndNumbers() throws IOException {
    List<Line> lines = read(TextSplit.of(file("a.txt", "one\r\n\ntwo\u00e9")));
    assertEquals(List.of(1L, 2L, 3L), lines.stream().map(Line::number).toList());
    assertEquals("one\r\n", new String(lines.get(0).bytes(), StandardCharsets.UTF_8));
    assertTrue(lines.get(1).blank());
    assertEquals("two\u00e9", lines.get(2).shown(10));
  }

  @Test
  void noControlCharacterIsShown() {
    byte[] line = "a\tb\u001b[0mc\u009bd\u007f\r\n".getBytes(StandardCharsets.UTF_8);
    assertEquals("a b\\x1b[0mc\\u{9b}d\\x7f", new Line("a.txt", 1, line).shown(40));
  }

  @Test
  void aVeryLongLineComesInPartsAndLosesNothing() throws IOException {
    String text = "x".repeat(2 * Line.MOST_BYTES + 5) + "\nnext";
    List<Line> lines = read(TextSplit.of(file("long.txt", text)));
    assertEquals(List.of(1L, 1L, 1L, 2L), lines.stream().map(Line::number).toList());
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (Line line : lines) {
      all.writeBytes(line.bytes());
    }
    assertEquals(text, all.toString(StandardCharsets.UTF_8));
  }

  @Test
  void readingGoesOnWhereItStopped() throws IOException {
    SplittableRandom random = new SplittableRandom(3);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      text.append("y".repeat(random.nextInt(3) == 0 ? 9000 : random.nextInt(20))).append('\n');
    }
    TextSplit whole = TextSplit.of(file("b.txt", text.toString()));
    List<Line> all = read(whole);
    for (int stop = 0; stop <= all.size(); stop++) {
      LineIterator first = whole.getIterator();
      for (int i = 0; i < stop; i++) {
        first.next();
      }
      first.hasNext();
      TextSplit stored = whole.getUpdatedSplitForIterator(first);
      SplitSerializer format = new SplitSerializer();
      List<Line> rest = read(format.deserialize(1, format.serialize(stored)));
      assertEquals(all.size() - stop, rest.size());
      for (int i = 0; i < rest.size(); i++) {
        assertEquals(all.get(stop + i).number(), rest.get(i).number());
        assertArrayEquals(all.get(stop + i).bytes(), rest.get(i).bytes());
      }
    }
  }

  @Test
  void foldersAreReadInOrderWithoutHiddenAndBinaryFiles() throws IOException {
    file("b.txt", "b");
    file("a.txt", "a");
    file(".hidden", "h");
    Files.write(folder.resolve("image.bin"), new byte[] {1, 0, 2});
    List<String> names =
        TextSource.of(List.of(folder.toString())).sources().stream()
            .map(source -> Path.of(source).getFileName().toString())
            .toList();
    assertEquals(List.of("a.txt", "b.txt"), names);
  }

  @Test
  void theFirstLinesAreCountedOverFiles() throws IOException {
    file("a.txt", "1\n2\n3");
    file("b.txt", "4\n5\n");
    for (int most = 1; most <= 6; most++) {
      TextSource source = TextSource.of(List.of(folder.toString())).first(most);
      int lines = source.splits().stream().mapToInt(split -> read(split).size()).sum();
      assertEquals(Math.min(most, 5), lines);
    }
  }

  @Test
  void aPlaceThatIsNotThereIsNamed() throws IOException {
    String missing = folder.resolve("missing").toString();
    IOException thrown = assertThrows(IOException.class, () -> TextSource.of(List.of(missing)));
    assertTrue(thrown.getMessage().contains(missing), thrown.getMessage());
    assertThrows(IOException.class, () -> TextSource.of(List.of(folder.toString())));
  }

  @Test
  void standardInputCannotBeReadTwice() throws IOException {
    assertFalse(TextSource.of(List.of("-")).repeatable());
    TextSplit stopped = new TextSplit(TextSplit.STANDARD_INPUT, 5, 1, false, 9);
    assertThrows(java.io.UncheckedIOException.class, () -> stopped.getIterator().hasNext());
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text).toString();
  }

  private static List<Line> read(TextSplit split) {
    List<Line> lines = new ArrayList<>();
    split.getIterator().forEachRemaining(lines::add);
    return lines;
  }
}
