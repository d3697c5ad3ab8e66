package anabranch.samples.picture;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes a report: a page, and its figures as JSON beside it. Stateless. */
public final class ReportFiles {
  private ReportFiles() {}

  /**
   * Writes both files, each at once: a reader sees the old one or the new one, never a part.
   *
   * @param page where the page goes, ending in {@code .html}; folders are made
   * @param curve without points if no line ran under other policies
   * @throws IOException if a file cannot be written
   */
  public static void write(Path page, Run run, Gallery gallery, Run.Curve curve)
      throws IOException {
    ObjectNode figures = Figures.of(run, gallery, curve);
    replace(figuresOf(page), JsonMapper.shared().writeValueAsString(figures) + "\n");
    replace(page, Page.of(figures));
  }

  /** Returns where the figures of a page go. */
  public static Path figuresOf(Path page) {
    String name = page.getFileName().toString();
    return page.resolveSibling(name.substring(0, name.length() - ".html".length()) + ".json");
  }

  private static void replace(Path file, String text) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    long process = ProcessHandle.current().pid();
    Path part = folder.resolve("." + file.getFileName() + "." + process + ".part");
    try {
      Files.writeString(part, text);
      try {
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException unsupported) {
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(part);
    }
  }
}
