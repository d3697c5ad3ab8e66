package anabranch.conformance.golden.reading;

import anabranch.conformance.golden.recorded.Batch;
import anabranch.conformance.golden.recorded.Finding;
import anabranch.conformance.golden.recorded.Finding.Kind;
import anabranch.conformance.golden.recorded.Inputs;
import anabranch.conformance.golden.recorded.Outcome;
import anabranch.conformance.golden.recorded.RecordedModel;
import anabranch.conformance.golden.recorded.Recording;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What routers of the original picked, {@code <step>.trace.<module>.<what>}, rows of all lines one
 * behind the other with padding, beside what ours took. {@code what} is
 *
 * <ul>
 *   <li>{@code topk_index}, or another {@code index}, {@code indices} or {@code experts}: the
 *       experts of a row, in one such array or in several;
 *   <li>a {@code mask} or {@code onehot}: 1 for an expert that took the row, several such arrays
 *       for several choices; what is missing had no room;
 *   <li>{@code executed} of a line or {@code selected} of a row: 1 where the operation ran.
 * </ul>
 *
 * <p>{@code <step>.gates} holds the factor of every layer and row, 0 where it was skipped.
 * Stateless.
 */
final class Traces {
  private static final String INDEX = ".*(index|indices|experts)";
  private static final String MASK = ".*(mask|onehot).*";
  private static final String RAN = "(.*_)?(executed|selected)";

  private Traces() {}

  /** The rows that were recorded, and where they stand in ours. */
  private record Rows(
      Recording recording, Batch batch, Inputs inputs, int step, List<Outcome> outcomes) {
    /** Looks at each row that counts. */
    void each(Look look) {
      for (int line = 0; line < outcomes.size(); line++) {
        int first = batch == inputs.memory() ? 0 : inputs.first(step, line);
        for (int row = 0; row < batch.rows(line); row++) {
          look.at(line, first + row, batch.at(line, row));
        }
      }
    }

    List<Integer> taken(String router, int line, int row) {
      return outcomes.get(line).taken().get(router).get(row);
    }
  }

  private interface Look {
    void at(int line, int row, int place);
  }

  /** Compares the choices of one step; the encoder's rows stand with the first. */
  static void compare(
      RecordedModel model,
      String prefix,
      Inputs inputs,
      int step,
      List<Outcome> outcomes,
      Finding finding) {
    Recording recording = model.recording;
    Rows rows = new Rows(recording, inputs.steps().get(step), inputs, step, outcomes);
    Map<String, List<String>> modules = new LinkedHashMap<>();
    String trace = Pattern.quote(prefix + ".trace.") + "(.+)\\.([^.]+)";
    for (MatchResult found : recording.matches(trace)) {
      modules.computeIfAbsent(found.group(1), any -> new ArrayList<>()).add(found.group(2));
    }
    modules.forEach(
        (module, names) -> {
          Batch memory = inputs.memory();
          boolean encoder = memory != null && isEncoder(module);
          Rows mine =
              encoder && memory != null
                  ? new Rows(recording, memory, inputs, step, outcomes)
                  : rows;
          module(prefix + ".trace." + module, module, names, mine, finding);
        });
    if (recording.has(prefix + ".gates")) {
      gates(prefix + ".gates", rows, finding);
    }
  }

  private static boolean isEncoder(String module) {
    return module.matches("(.*\\.)?encoder\\..*");
  }

  private static void module(
      String path, String module, List<String> names, Rows rows, Finding finding) {
    List<String> masks = names.stream().filter(name -> name.matches(MASK)).toList();
    List<String> ran = names.stream().filter(name -> name.matches(RAN)).toList();
    List<String> indices = names.stream().filter(name -> name.matches(INDEX)).toList();
    if (indices.isEmpty() && masks.isEmpty() && ran.isEmpty()) {
      return;
    }
    List<String> all = routers(module, rows);
    List<String> routers = ran.isEmpty() ? alike(module, all) : all;
    if (routers.isEmpty() || ran.isEmpty() && routers.size() > 1) {
      finding.fail(path + " is one of " + routers + " of " + rows.outcomes.get(0).taken().keySet());
      return;
    }
    if (!indices.isEmpty()) {
      List<String> keys = indices.stream().map(name -> path + "." + name).toList();
      indices(path, keys, routers.get(0), rows, finding);
    }
    if (!masks.isEmpty()) {
      List<String> keys = masks.stream().map(mask -> path + "." + mask).toList();
      masks(path, keys, routers.get(0), rows, finding);
    }
    for (String name : ran) {
      String key = path + "." + name;
      int[] flags = rows.recording.ints(key);
      boolean ofLine = rows.recording.shape(key).size() == 1;
      routers.forEach(
          router ->
              rows.each(
                  (line, row, place) ->
                      skip(
                          key,
                          router,
                          line,
                          row,
                          flags[ofLine ? line : place] != 0,
                          rows,
                          finding)));
    }
  }

  /** Returns the routers of the block that a module of the original is a part of. */
  private static List<String> routers(String module, Rows rows) {
    Matcher layer = Pattern.compile("\\d+").matcher(module);
    String block = "blocks." + (layer.find() ? layer.group() : "") + ".";
    String prefix = (rows.inputs.memory() != null && isEncoder(module) ? "encoder." : "") + block;
    return rows.outcomes.get(0).taken().keySet().stream()
        .filter(router -> router.startsWith(prefix))
        .toList();
  }

  /** Returns those that attend if the module does, and those that do not if it does not. */
  private static List<String> alike(String module, List<String> routers) {
    boolean attends = module.contains("attn") || module.contains("attention");
    return routers.size() < 2
        ? routers
        : routers.stream().filter(router -> router.contains("attention") == attends).toList();
  }

  private static void indices(
      String path, List<String> keys, String router, Rows rows, Finding finding) {
    List<int[]> recorded = keys.stream().map(rows.recording::ints).toList();
    rows.each(
        (line, row, place) -> {
          TreeSet<Integer> theirs = new TreeSet<>();
          for (int[] some : recorded) {
            int k = some.length / rows.batch.padded();
            IntStream.range(place * k, place * k + k).forEach(i -> theirs.add(some[i]));
          }
          TreeSet<Integer> ours = new TreeSet<>(rows.taken(router, line, row));
          finding.decision(Kind.EXPERTS, path + " line " + line + " row " + row, theirs, ours);
        });
  }

  /** Compares the choices that had room, their number, and all choices where logits tell them. */
  private static void masks(
      String path, List<String> keys, String router, Rows rows, Finding finding) {
    List<int[]> masks = keys.stream().map(rows.recording::ints).toList();
    int experts = masks.get(0).length / rows.batch.padded();
    boolean told = rows.recording.has(path + ".router_logits");
    float[] logits = told ? rows.recording.floats(path + ".router_logits") : new float[0];
    rows.each(
        (line, row, place) -> {
          TreeSet<Integer> theirs = new TreeSet<>();
          for (int e = 0; e < experts; e++) {
            int at = place * experts + e;
            if (masks.stream().anyMatch(mask -> mask[at] != 0)) {
              theirs.add(e);
            }
          }
          List<Integer> taken = rows.taken(router, line, row);
          TreeSet<Integer> ours = new TreeSet<>(taken.stream().filter(e -> e >= 0).toList());
          String what = path + " line " + line + " row " + row;
          finding.decision(Kind.EXPERTS, what, theirs, ours);
          finding.decision(
              Kind.DROPS, what + " drops", keys.size() - theirs.size(), taken.size() - ours.size());
          if (told) {
            TreeSet<Integer> picked = new TreeSet<>();
            taken.forEach(member -> picked.add(member < 0 ? -2 - member : member));
            TreeSet<Integer> best = best(logits, place * experts, experts, keys.size());
            finding.decision(Kind.EXPERTS, what + " picks", best, picked);
          }
        });
  }

  private static TreeSet<Integer> best(float[] logits, int offset, int experts, int count) {
    return new TreeSet<>(
        IntStream.range(0, experts)
            .boxed()
            .sorted(Comparator.comparing(e -> -logits[offset + e]))
            .limit(count)
            .toList());
  }

  /** Compares {@code [layers, batch, columns]} with every skip of each layer's block. */
  private static void gates(String key, Rows rows, Finding finding) {
    float[] gates = rows.recording.floats(key);
    int layers = rows.recording.shape(key).get(0);
    for (int layer = 0; layer < layers; layer++) {
      int before = layer * rows.batch.padded();
      List<String> routers = routers("layers." + layer, rows);
      if (routers.isEmpty()) {
        finding.fail(key + " layer " + layer + " is no skip");
      }
      routers.forEach(
          router ->
              rows.each(
                  (line, row, place) ->
                      skip(key, router, line, row, gates[before + place] != 0, rows, finding)));
    }
  }

  private static void skip(
      String key, String router, int line, int row, boolean ran, Rows rows, Finding finding) {
    boolean ours = rows.taken(router, line, row).stream().anyMatch(member -> member >= 0);
    finding.decision(
        Kind.SKIPS, key + " " + router + " line " + line + " row " + row + " ran", ran, ours);
  }
}
