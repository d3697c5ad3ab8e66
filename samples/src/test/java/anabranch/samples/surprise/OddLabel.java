package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.samples.kinds.Oddity;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** One row of {@code text/odd.tsv}: a line that was made odd. */
record OddLabel(String file, long line, Oddity oddity, String hash, String why) {
  static final Path FOLDER = Path.of("text/odd");

  /** Returns where the line stands, as sources are named in scores. */
  String place() {
    return FOLDER.resolve(file) + ":" + line;
  }

  static List<OddLabel> all() throws IOException {
    List<OddLabel> labels = new ArrayList<>();
    for (String row : Files.readAllLines(Path.of("text/odd.tsv"))) {
      if (!row.startsWith("#")) {
        String[] cells = row.split("\t");
        assertEquals(5, cells.length, row);
        labels.add(
            new OddLabel(
                cells[0],
                Long.parseLong(cells[1]),
                Oddity.valueOf(cells[2].toUpperCase(Locale.ROOT)),
                cells[3],
                cells[4]));
      }
    }
    return labels;
  }

  /** Returns the lines of a file as they stand there, whatever their bytes, without line feeds. */
  static List<byte[]> lines(Path file) throws IOException {
    List<byte[]> lines = new ArrayList<>();
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (byte b : Files.readAllBytes(file)) {
      if (b == '\n') {
        lines.add(line.toByteArray());
        line.reset();
      } else {
        line.write(b);
      }
    }
    if (line.size() > 0) {
      lines.add(line.toByteArray());
    }
    return lines;
  }

  static String hash(byte[] line) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(line);
      return HexFormat.of().formatHex(digest).substring(0, 12);
    } catch (NoSuchAlgorithmException every) {
      throw new IllegalStateException(every);
    }
  }
}
