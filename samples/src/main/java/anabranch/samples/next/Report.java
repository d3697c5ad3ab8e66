package anabranch.samples.next;

import anabranch.samples.surprise.SurpriseJob;
import anabranch.samples.text.Glyph;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a person wants to know of the answers. Confined to one thread. */
final class Report {
  /** How many bytes of a line are looked at together. */
  static final int SPAN = 12;

  private static final int SHOWN = 12;
  private static final int WIDTH = 72;

  private final Writers writers;
  private final Map<String, List<Answer>> byWriter = new LinkedHashMap<>();

  Report(Writers writers, List<Answer> answers) {
    this.writers = writers;
    writers.texts().keySet().forEach(writer -> byWriter.put(writer, new ArrayList<>()));
    answers.forEach(answer -> byWriter.get(answer.writer()).add(answer));
  }

  /**
   * Where a line surprised most.
   *
   * @param bits a byte, mean over the bytes up to this one
   * @param from the first of these
   * @param to the byte behind the last one
   */
  record Moment(String writer, double bits, int from, int to) {}

  /** Returns the most surprising place of each line, the most surprising line first. */
  List<Moment> moments() {
    List<Moment> moments = new ArrayList<>();
    byWriter.forEach((writer, answers) -> addMoments(writer, answers, moments));
    moments.sort(Comparator.comparingDouble(Moment::bits).reversed());
    return moments;
  }

  private void addMoments(String writer, List<Answer> answers, List<Moment> into) {
    byte[] text = writers.texts().get(writer);
    Moment best = null;
    int start = 0;
    for (int at = 0; at < text.length; at++) {
      if (at - start + 1 >= SPAN) {
        double sum = 0;
        for (int back = 0; back < SPAN; back++) {
          sum += answers.get(at - back).bits();
        }
        if (best == null || sum / SPAN > best.bits) {
          best = new Moment(writer, sum / SPAN, at + 1 - SPAN, at + 1);
        }
      }
      if (text[at] == '\n' || at == text.length - 1) {
        if (best != null) {
          into.add(best);
        }
        best = null;
        start = at + 1;
      }
    }
  }

  /** Returns the report as text. */
  String text() {
    StringBuilder text = new StringBuilder();
    List<String> exits = SurpriseJob.exitNames();
    text.append(row("file", byWriter.values().stream().flatMap(List::stream).toList(), exits));
    files().forEach((file, answers) -> text.append(row(file, answers, exits)));
    line(
        text,
        "%nThe most surprising moments: bits a byte over %d bytes, as they came; they are in"
            + " brackets.",
        SPAN);
    for (Moment moment : moments().subList(0, Math.min(SHOWN, moments().size()))) {
      line(text, "%6.2f  %-24s %s", moment.bits(), moment.writer(), shown(moment));
    }
    return text.toString();
  }

  private Map<String, List<Answer>> files() {
    Map<String, List<Answer>> files = new LinkedHashMap<>();
    byWriter.forEach(
        (writer, answers) ->
            files
                .computeIfAbsent(writer.replaceAll(":.*", ""), missing -> new ArrayList<>())
                .addAll(answers));
    return files;
  }

  private static String row(String what, List<Answer> answers, List<String> exits) {
    StringBuilder row = new StringBuilder();
    if (what.equals("file")) {
      line(
          row,
          "%-24s %8s %10s  %-32s %s",
          "file",
          "bytes",
          "bits/byte",
          "left behind",
          "arithmetic, of full depth");
    }
    long flops = answers.stream().mapToLong(Answer::flops).sum();
    long full = answers.stream().mapToLong(Answer::fullFlops).sum();
    StringBuilder left = new StringBuilder();
    for (int exit = 0; exit < exits.size(); exit++) {
      int stage = exit;
      long count = answers.stream().filter(answer -> answer.exit() == stage).count();
      left.append(
          String.format(
              Locale.ROOT, "%s %.0f %% ", exits.get(exit), 100.0 * count / answers.size()));
    }
    line(
        row,
        "%-24s %,8d %10.3f  %-32s %.0f %%",
        what.equals("file") ? "all" : what,
        answers.size(),
        answers.stream().mapToDouble(Answer::bits).average().orElse(0),
        left,
        100.0 * flops / full);
    return row.toString();
  }

  private String shown(Moment moment) {
    byte[] text = writers.texts().get(moment.writer());
    int start = moment.from();
    while (start > 0 && text[start - 1] != '\n' && moment.to() - start < WIDTH) {
      start--;
    }
    return part(text, start, moment.from()) + "[" + part(text, moment.from(), moment.to()) + "]";
  }

  private static String part(byte[] text, int from, int to) {
    return Glyph.harmless(new String(text, from, to - from, StandardCharsets.UTF_8));
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
  }
}
