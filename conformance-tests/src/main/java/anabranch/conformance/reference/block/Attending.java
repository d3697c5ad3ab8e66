package anabranch.conformance.reference.block;

import anabranch.conformance.reference.part.AttentionPart;
import anabranch.conformance.reference.part.AttentionPart.Read;
import anabranch.conformance.reference.part.AttentionPart.Shown;
import anabranch.conformance.reference.part.Parameters;
import anabranch.conformance.reference.pass.Pass;
import anabranch.conformance.reference.pass.Reading;
import anabranch.conformance.reference.pass.Row;
import anabranch.conformance.reference.pass.Taken;
import anabranch.conformance.reference.pass.Way;
import anabranch.conformance.reference.route.Choice;
import anabranch.conformance.reference.route.RouterPart;
import anabranch.model.layer.Attention;
import anabranch.model.layer.RoutedHeads;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** An attention among the rows of a call, and those that their sequences keep. */
final class Attending implements OperationPart {
  private final AttentionPart attention;
  private final Attention.Mask mask;
  private final Attention.@Nullable Window window;
  private final String path;
  private final @Nullable RoutedHeads routed;
  private final @Nullable RouterPart router;
  private final @Nullable HeadRouting values;
  private final @Nullable HeadRouting results;

  Attending(Attention attention, String path, Parameters parameters) {
    this.attention = new AttentionPart(attention, path, parameters);
    this.path = path;
    mask = attention.mask();
    window = attention.window();
    routed = attention.routed();
    router =
        routed == null
            ? null
            : RouterPart.read(routed.router(), routed.experts(), path + ".router", parameters);
    Attention.RoutedProjections each = attention.projections();
    int shown = attention.keyValueHeads();
    values = each == null ? null : new HeadRouting(each, path + ".v", shown, parameters);
    int heads = attention.heads();
    results = each == null ? null : new HeadRouting(each, path + ".o", heads, parameters);
  }

  @Override
  public List<String> attentions() {
    return mask == Attention.Mask.MEMORY ? List.of() : List.of(path);
  }

  @Override
  public double[][] of(Pass pass, double[][] v, Way[] ways) {
    if (mask == Attention.Mask.MEMORY) {
      return memory(pass, v, ways);
    }
    double[][] result = new double[v.length][];
    @Nullable Taken taken = route(pass, v, ways);
    List<Taken> made = values == null ? List.of() : values.showing(pass, v, ways);
    @Nullable Shown[] shown = show(pass, v, ways, made);
    List<Taken> read = results == null ? List.of() : results.ask(pass, v, ways);
    List<@Nullable Reading> readings = new ArrayList<>();
    for (int row = 0; row < v.length; row++) {
      Reading reading = null;
      if (ways[row] == Way.RUN) {
        List<Integer> positions = new ArrayList<>();
        List<Shown> seen = new ArrayList<>();
        see(pass, row, shown, positions, seen);
        int position = pass.rows.get(row).position;
        Choice choice = taken == null ? null : taken.choices[row];
        Read own = read(v[row], position, seen, positions, choice, read, row);
        result[row] = own.result();
        reading = new Reading(positions, own.byHead());
      }
      readings.add(reading);
    }
    for (int row = 0; row < v.length; row++) {
      pass.rows.get(row).received = received(pass, row, readings);
      pass.rows.get(row).reading = readings.get(row);
    }
    return result;
  }

  /** Rules A1 and A2: which rows a row reads. */
  private void see(
      Pass pass, int row, @Nullable Shown[] shown, List<Integer> positions, List<Shown> seen) {
    if (mask == Attention.Mask.FULL) {
      full(pass, row, shown, positions, seen);
    } else {
      NavigableMap<Integer, Shown> visible = causal(pass, row);
      positions.addAll(visible.keySet());
      seen.addAll(visible.values());
    }
  }

  /** Reads with the heads of the experts that the row picked, or all, whose results it routes. */
  private Read read(
      double[] x,
      int position,
      List<Shown> seen,
      List<Integer> positions,
      @Nullable Choice choice,
      List<Taken> routed,
      int row) {
    if (choice != null) {
      return read(x, position, seen, positions, choice);
    }
    return results == null
        ? attention.read(x, position, seen, positions)
        : attention.read(x, position, seen, positions, HeadRouting.taken(routed, row));
  }

  private @Nullable Taken route(Pass pass, double[][] v, Way[] ways) {
    if (routed == null || router == null) {
      return null;
    }
    Taken taken = new Taken(path, routed.k(), v.length, routed.experts());
    pass.taken.add(taken);
    taken.ask(router, pass, v, ways);
    for (Choice choice : taken.choices) {
      if (choice != null) {
        choice.experts().forEach(e -> taken.ran[e]++);
      }
    }
    return taken;
  }

  private Read read(
      double[] x, int position, List<Shown> values, List<Integer> positions, Choice choice) {
    List<Integer> experts = choice.experts().stream().sorted().toList();
    List<Double> gates = experts.stream().map(choice::gate).toList();
    return attention.read(x, position, values, positions, experts, gates);
  }

  /** Rule A4, Rule A5 and Rule A6: what each row shows; null for nothing. */
  private @Nullable Shown[] show(Pass pass, double[][] v, Way[] ways, List<Taken> made) {
    @Nullable Shown[] shown = new Shown[v.length];
    String place = pass.at(path);
    boolean keeps = pass.trail.shares() || mask == Attention.Mask.CAUSAL;
    for (int i = 0; i < v.length; i++) {
      Row row = pass.rows.get(i);
      String last = pass.trail.last;
      shown[i] =
          switch (ways[i]) {
            case RUN, PROJECT ->
                values == null
                    ? attention.show(v[i], row.position)
                    : attention.show(v[i], row.position, HeadRouting.taken(made, i));
            case SHARE -> last == null ? null : row.memory.shown(last, row.position);
            case NOTHING -> null;
          };
      row.shown = shown[i];
      row.shownAt = place;
      if (window != null) {
        row.memory.unread(place, window.first(), row.position + 2 - window.rows());
      }
      if (shown[i] != null && keeps) {
        row.memory.show(place, row.position, shown[i]);
      }
    }
    pass.trail.last = place;
    return shown;
  }

  /** Rule A1 and Rule A18: a row sees itself and earlier rows of its sequence, of any call. */
  private NavigableMap<Integer, Shown> causal(Pass pass, int row) {
    Row asking = pass.rows.get(row);
    NavigableMap<Integer, Shown> earlier = asking.memory.visible(pass.at(path), asking.position);
    if (window == null) {
      return earlier;
    }
    NavigableMap<Integer, Shown> visible = new TreeMap<>(earlier.headMap(window.first(), false));
    visible.putAll(earlier.tailMap(asking.position - window.rows(), false));
    return visible;
  }

  /** Rule A2: a row sees all rows of its span. */
  private static void full(
      Pass pass, int row, @Nullable Shown[] shown, List<Integer> positions, List<Shown> seen) {
    for (int other = 0; other < shown.length; other++) {
      Row there = pass.rows.get(other);
      Shown theirs = shown[other];
      if (theirs != null && there.span == pass.rows.get(row).span) {
        positions.add(there.position);
        seen.add(theirs.counting(there.count));
      }
    }
  }

  private double[][] memory(Pass pass, double[][] v, Way[] ways) {
    double[][] result = new double[v.length][];
    for (int row = 0; row < v.length; row++) {
      if (ways[row] == Way.RUN) {
        result[row] = memory(v[row], pass.rows.get(row));
      }
    }
    return result;
  }

  /** Rule A3: a row sees the rows of the memory and no others. */
  private double[] memory(double[] v, Row row) {
    if (row.memory.rows().isEmpty()) {
      throw new IllegalArgumentException(path + " reads a memory, and the sequence has none");
    }
    List<Shown> visible = new ArrayList<>();
    for (double[] there : row.memory.rows()) {
      visible.add(attention.show(there, 0));
    }
    return attention.read(v, row.position, visible).result();
  }

  /** Rule X10: the mean over those rows of the span that asked of what they gave to a row. */
  private static double received(Pass pass, int row, List<@Nullable Reading> readings) {
    Row mine = pass.rows.get(row);
    double sum = 0;
    int asked = 0;
    for (int other = 0; other < readings.size(); other++) {
      Reading reading = readings.get(other);
      if (reading != null && pass.rows.get(other).span == mine.span) {
        asked++;
        sum += reading.given(mine.position);
      }
    }
    return asked == 0 ? 0 : sum / asked;
  }
}
