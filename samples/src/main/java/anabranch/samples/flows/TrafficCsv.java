package anabranch.samples.flows;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Writes what the model is trained on: for each flow of some hosts its host, its class and the
 * numbers that the model reads of it.
 */
public final class TrafficCsv {
  private TrafficCsv() {}

  /**
   * Runs the program.
   *
   * @param args the file, the first host, and the one behind the last
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      System.err.println("flows: say FILE FIRST_HOST HOST_BEHIND_THE_LAST");
      System.exit(1);
    }
    write(Path.of(args[0]), Integer.parseInt(args[1]), Integer.parseInt(args[2]));
  }

  static void write(Path file, int from, int to) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int host = from; host < to; host++) {
        List<Flow> flows = Traffic.of(host);
        for (int end = 1; end <= flows.size(); end++) {
          int start = Math.max(0, end - HostWindow.HISTORY);
          out.write(line(HostWindow.of(flows.subList(start, end))));
        }
      }
    }
  }

  private static String line(HostWindow window) {
    StringBuilder line =
        new StringBuilder().append(window.host()).append(',').append(window.kind());
    for (int i = window.rows().length - HostWindow.FIELDS; i < window.rows().length; i++) {
      line.append(',').append(String.format(Locale.ROOT, "%.5g", window.rows()[i]));
    }
    return line.append('\n').toString();
  }
}
