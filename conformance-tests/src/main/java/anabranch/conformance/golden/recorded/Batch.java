package anabranch.conformance.golden.recorded;

import anabranch.error.DescriptionException;
import java.util.ArrayList;
import java.util.List;

/**
 * The lines of one padded array of a case, and where in it the rows that count stand.
 *
 * @param columns extent of a line, padding included
 * @param lines by line of the batch, the columns that count, ascending
 */
public record Batch(int columns, List<List<Integer>> lines) {
  /** Copies the lists. */
  public Batch {
    lines = lines.stream().map(List::copyOf).toList();
  }

  /**
   * Reads the extents of an input and which of its columns count.
   *
   * @param ids key of an array {@code [batch, columns]} or {@code [batch, columns, width]}
   * @param mask key of its mask, which need not exist
   */
  public static Batch of(Recording recording, String ids, String mask) {
    List<Integer> shape = recording.shape(ids);
    int[] kept = recording.has(mask) ? recording.ints(mask) : new int[0];
    List<List<Integer>> lines = new ArrayList<>();
    for (int b = 0; b < shape.get(0); b++) {
      List<Integer> line = new ArrayList<>();
      for (int c = 0; c < shape.get(1); c++) {
        if (kept.length == 0 || kept[b * shape.get(1) + c] != 0) {
          line.add(c);
        }
      }
      lines.add(line);
    }
    return new Batch(shape.get(1), lines);
  }

  /** Fails unless the positions that were recorded count the rows of each line from 0 on. */
  public void requirePositions(Recording recording, String key) {
    int[] positions = recording.ints(key);
    for (int b = 0; b < lines.size(); b++) {
      for (int row = 0; row < lines.get(b).size(); row++) {
        int position = positions[at(b, row)];
        if (position != row) {
          throw new DescriptionException(
              key + " line " + b + " has position " + position + " at row " + row);
        }
      }
    }
  }

  /** Returns the place of a row of a line in the array. */
  public int at(int line, int row) {
    return line * columns + lines.get(line).get(row);
  }

  /** Returns the number of rows of a line. */
  public int rows(int line) {
    return lines.get(line).size();
  }

  /** Returns the rows of all lines with their padding. */
  public int padded() {
    return columns * lines.size();
  }

  /** Returns the values of the rows of a line, of an array as large as the padded one. */
  public int[] take(int line, int[] values) {
    int[] taken = new int[rows(line)];
    for (int row = 0; row < taken.length; row++) {
      taken[row] = values[at(line, row)];
    }
    return taken;
  }
}
