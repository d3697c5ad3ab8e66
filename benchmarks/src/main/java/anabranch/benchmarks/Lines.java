package anabranch.benchmarks;

import anabranch.backend.Event;
import anabranch.engine.Engine;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Lines of a text as items of a model over bytes: windows of at most so many bytes, the last one
 * shorter, each row holding the byte before the one it predicts. Immutable.
 *
 * @param kind what kind of text it is
 * @param windows the bytes that each item predicts
 * @param lineOf for each window, the number of its line
 * @param count how many lines there are
 */
record Lines(String kind, List<byte[]> windows, List<Integer> lineOf, int count) {
  /** Build outputs, and the sample's text, into which odd lines were planted. */
  private static final Set<String> LEFT_OUT = Set.of("target", "text");

  /**
   * Returns lines that are spread evenly over those given; blank ones are left out.
   *
   * @param count how many lines
   * @param window the most bytes of an item
   */
  static Lines of(String kind, List<String> text, int count, int window) {
    List<String> written = text.stream().filter(line -> !line.isBlank()).toList();
    if (written.size() < count) {
      throw new IllegalArgumentException(
          "there are " + written.size() + " lines of " + kind + ", below " + count);
    }
    List<byte[]> windows = new ArrayList<>();
    List<Integer> lineOf = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String line = written.get((int) ((long) i * written.size() / count)) + "\n";
      byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
      for (int start = 0; start < bytes.length; start += window) {
        windows.add(Arrays.copyOfRange(bytes, start, Math.min(bytes.length, start + window)));
        lineOf.add(i);
      }
    }
    return new Lines(kind, windows, lineOf, count);
  }

  /** Returns all lines of the files below a folder that have that ending, in the order of names. */
  static List<String> read(Path folder, String ending) {
    List<Path> files = new ArrayList<>();
    List<String> lines = new ArrayList<>();
    try {
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path at, BasicFileAttributes attributes) {
              String name = at.getFileName().toString();
              boolean leftOut = LEFT_OUT.contains(name) || name.startsWith(".") && at != folder;
              return leftOut ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (file.toString().endsWith(ending)) {
                files.add(file);
              }
              return FileVisitResult.CONTINUE;
            }
          });
      files.sort(null);
      for (Path file : files) {
        lines.addAll(Files.readAllLines(file));
      }
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return lines;
  }

  /**
   * Returns the items.
   *
   * @param begin the id that stands before the first byte of a window
   */
  List<Item> items(int begin) {
    List<Item> items = new ArrayList<>(windows.size());
    for (byte[] window : windows) {
      int[] ids = new int[window.length];
      ids[0] = begin;
      for (int i = 1; i < ids.length; i++) {
        ids[i] = window[i - 1] & 0xff;
      }
      items.add(Item.of("window" + items.size(), Event.ofTokens(ids)));
    }
    return items;
  }

  /** Answers items together. */
  static List<Inference> answers(Engine engine, List<Item> items) {
    return engine.submitAll(items).stream().map(CompletableFuture::join).toList();
  }

  /** Returns the number of bytes. */
  long bytes() {
    return windows.stream().mapToLong(window -> window.length).sum();
  }

  /**
   * How answers differ from others for the same items.
   *
   * @param depth blocks run by a byte
   * @param bitsPerByte bits needed for a byte
   * @param same the share of bytes after which both think the same byte the likeliest
   * @param off the share of lines whose bits per byte differ by more than a bound
   */
  record Difference(double depth, double bitsPerByte, double same, double off) {}

  /** Compares answers with others. */
  Difference difference(List<Inference> answers, List<Inference> others, double mostBits) {
    double[] bits = new double[count];
    double[] change = new double[count];
    int[] lengths = new int[count];
    long blocks = 0;
    long same = 0;
    for (int w = 0; w < windows.size(); w++) {
      Inference answer = answers.get(w);
      int line = lineOf.get(w);
      for (int unit = 0; unit < answer.units(); unit++) {
        int value = windows.get(w)[unit] & 0xff;
        double needed = bits(answer, unit, value);
        bits[line] += needed;
        change[line] += needed - bits(others.get(w), unit, value);
        lengths[line]++;
        blocks += answer.depth(unit);
        same += answer.label(unit) == others.get(w).label(unit) ? 1 : 0;
      }
    }
    int off = 0;
    for (int i = 0; i < count; i++) {
      off += Math.abs(change[i]) / lengths[i] > mostBits ? 1 : 0;
    }
    double bytes = bytes();
    return new Difference(
        blocks / bytes, Arrays.stream(bits).sum() / bytes, same / bytes, (double) off / count);
  }

  private static double bits(Inference answer, int unit, int value) {
    float[] logits = new float[answer.outputs()];
    answer.logits(unit).get(logits);
    double most = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - most);
    }
    return (Math.log(sum) + most - logits[value]) / Math.log(2);
  }
}
