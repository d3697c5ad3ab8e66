package anabranch.samples.picture;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * The report as one HTML page, made from the tree of {@link Figures} alone. It loads nothing and
 * runs no script, and forbids both to whatever the text may hold. Stateless.
 */
final class Page {
  private static final int OPEN = 30;

  private final JsonNode root;
  private final Markup out;

  private Page(JsonNode root) {
    this.root = root;
    out = new Markup(root);
  }

  static String of(JsonNode root) {
    Page page = new Page(root);
    page.whole();
    return page.out.toString();
  }

  private void whole() {
    out.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.raw("<meta http-equiv=\"Content-Security-Policy\" ");
    out.raw("content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    out.raw("<title>How unexpected is each byte?</title>\n");
    out.raw("<style>\n" + style() + "</style>\n</head>\n<body>\n<main>\n");
    head();
    odd();
    ordinary();
    charts();
    numbers();
    out.raw("</main>\n</body>\n</html>\n");
  }

  private void head() {
    out.raw("<header class=\"top\"><h1>How unexpected is each byte?</h1>\n<p class=\"lead\">");
    out.raw("Boring bytes leave early, odd bytes use the depth. ");
    out.count("/totals/bytes").raw(" bytes in ").count("/totals/lines").raw(" lines ran ");
    out.figure("/totals/blocksPerByte", "%.2f").raw(" of ").count("/totals/blocks");
    out.raw(" blocks on average, ").percent("/totals/arithmetic");
    out.raw(" of the arithmetic of full depth.</p></header>\n<section class=\"ways\">\n");
    for (int e = 0; e < root.at("/exits").size(); e++) {
      String exit = "/exits/" + e;
      boolean last = e + 1 == root.at("/exits").size();
      out.raw("<div class=\"way d" + e + "\"><span class=\"bar\"></span><h2>");
      out.raw(last ? "ran all " : "left after ").count(exit + "/after");
      out.raw(" blocks</h2><p class=\"big\">").percent(exit + "/share");
      out.raw("</p><p>of the bytes, ").figure(exit + "/bitsPerByte", "%.2f");
      out.raw(" bits each</p></div>\n");
    }
    out.raw("</section>\n");
  }

  private void legend() {
    out.raw("<div class=\"legend\"><div><span>bits of a character</span><p>");
    for (int step = 0; step < Heat.STEPS; step++) {
      out.raw("<i class=\"h" + step + "\">" + edge(Heat.from(step)) + "</i>");
    }
    out.raw("</p></div><div><span>blocks it ran</span><p>");
    for (int e = 0; e < root.at("/exits").size(); e++) {
      out.raw("<i class=\"d" + e + "\">" + root.at("/exits/" + e + "/after").asInt() + "</i>");
    }
    out.raw("</p></div></div>\n");
  }

  private static String edge(double bits) {
    return String.format(Locale.ROOT, bits == Math.rint(bits) ? "%.0f" : "%.1f", bits);
  }

  private void odd() {
    int lines = root.at("/odd/lines").size();
    out.raw("<section><h2>");
    if (root.at("/odd/flagged").asLong() == 0) {
      out.raw("The oddest lines</h2>\n<p class=\"note\">No line was flagged. These have the most");
      out.raw(" bits per byte.</p>\n");
    } else {
      out.raw("Flagged lines</h2>\n<p class=\"note\">").count("/odd/flagged").raw(" flagged");
      if (root.at("/odd/leftOut").asLong() > 0) {
        out.raw("; ").count("/odd/leftOut").raw(" with fewer bits per byte are left out");
      }
      out.raw(".</p>\n");
    }
    legend();
    for (int i = 0; i < Math.min(OPEN, lines); i++) {
      HeatMap.line(out, root, "/odd/lines/" + i);
    }
    if (lines > OPEN) {
      out.raw("<details><summary>" + (lines - OPEN) + " more</summary>\n");
      for (int i = OPEN; i < lines; i++) {
        HeatMap.line(out, root, "/odd/lines/" + i);
      }
      out.raw("</details>\n");
    }
    out.raw("</section>\n");
  }

  private void ordinary() {
    int lines = root.at("/ordinary/lines").size();
    if (lines == 0) {
      return;
    }
    out.raw("<section><h2>Ordinary lines, for contrast</h2>\n<p class=\"note\">");
    out.raw("A fair sample of the others.</p>\n");
    for (int i = 0; i < lines; i++) {
      HeatMap.line(out, root, "/ordinary/lines/" + i);
    }
    out.raw("</section>\n");
  }

  private void charts() {
    out.raw("<section><h2>Where the depth went</h2>\n<div class=\"charts\">\n");
    chart(
        "Bytes at each exit",
        Charts.exits(root),
        this::exitTable,
        () -> out.raw("Share of the bytes that left after so many blocks."));
    if (root.at("/exitsByBits").values().stream().anyMatch(bin -> bin.get("bytes").asLong() > 0)) {
      chart(
          "Depth by surprise",
          Charts.exitsByBits(root),
          this::exitsByBitsTable,
          () -> {
            out.raw("How deep the bytes of so many bits went, in the colours of the legend. ");
            out.raw(
                "A byte's exit is chosen before the byte is known: where the model was sure and ");
            out.raw("wrong, bytes of many bits leave early too.");
          });
    }
    chart(
        "Load of the experts",
        Charts.load(root),
        this::loadTable,
        () -> out.raw("Percent of the bytes that ran the block, for each of its experts."));
    if (root.at("/curve/points").size() > 0) {
      chart(
          "What leaving early costs",
          Charts.curve(root),
          this::curveTable,
          () -> {
            out.raw("<b class=\"close\">Lines within 0.1 bit per byte</b> of full depth, and ");
            out.raw("<b class=\"same\">bytes that predict the same next byte</b>: ");
            out.count("/curve/lines")
                .raw(" lines, run again under thresholds from bold (left) to ");
            out.raw("conservative. Rings mark the policy of this run.");
          });
    }
    out.raw("</div>\n</section>\n");
  }

  private void chart(String title, String svg, Runnable table, Runnable note) {
    out.raw("<figure><figcaption><h3>" + title + "</h3><p>");
    note.run();
    out.raw("</p></figcaption>\n" + svg);
    out.raw("\n<details><summary>numbers</summary><div class=\"wide\"><table>");
    table.run();
    out.raw("</table></div></details></figure>\n");
  }

  private void exitTable() {
    heads("exit", "after", "bytes", "share", "bits per byte");
    for (int e = 0; e < root.at("/exits").size(); e++) {
      String at = "/exits/" + e;
      out.raw("<tr><th>").word(at + "/stage").raw("</th><td>").count(at + "/after");
      out.raw("</td><td>").count(at + "/bytes").raw("</td><td>").percent(at + "/share");
      out.raw("</td><td>").figure(at + "/bitsPerByte", "%.2f").raw("</td></tr>");
    }
  }

  private void exitsByBitsTable() {
    heads("bits from", "bytes");
    for (int bin = 0; bin < root.at("/exitsByBits").size(); bin++) {
      String at = "/exitsByBits/" + bin;
      out.raw("<tr><th>").figure(at + "/from", "%.1f").raw("</th><td>").count(at + "/bytes");
      out.raw("</td>");
      shares(at);
    }
  }

  private void loadTable() {
    heads("block", "bytes");
    for (int block = 0; block < root.at("/load").size(); block++) {
      out.raw("<tr><th>" + block + "</th><td>").count("/load/" + block + "/bytes").raw("</td>");
      shares("/load/" + block);
    }
  }

  private void shares(String at) {
    for (int i = 0; i < root.at(at + "/shares").size(); i++) {
      out.raw("<td>").percent(at + "/shares/" + i).raw("</td>");
    }
    out.raw("</tr>");
  }

  private void curveTable() {
    heads("early", "middle", "arithmetic", "blocks", "bits per byte", "close lines", "same bytes");
    for (int i = 0; i < root.at("/curve/points").size(); i++) {
      String at = "/curve/points/" + i;
      out.raw("<tr>");
      for (String exit : root.at(at + "/thresholds").propertyNames()) {
        out.raw("<th>").figure(at + "/thresholds/" + exit, "%.3f").raw("</th>");
      }
      out.raw("<td>").percent(at + "/arithmetic").raw("</td><td>");
      out.figure(at + "/blocksPerByte", "%.2f").raw("</td><td>");
      out.figure(at + "/bitsPerByte", "%.3f").raw("</td><td>");
      out.percent(at + "/closeLines").raw("</td><td>").percent(at + "/sameBytes");
      out.raw("</td></tr>");
    }
  }

  private void heads(String... names) {
    out.raw("<tr>");
    for (String name : names) {
      out.raw("<th>" + name + "</th>");
    }
    out.raw("</tr>");
  }

  private void numbers() {
    out.raw("<section><h2>The run</h2>\n<div class=\"wide\"><table class=\"run\">\n");
    row("lines").count("/totals/lines").raw(", of them ").count("/totals/blankLines");
    row("speed", "blank").figure("/totals/linesPerSecond", "%,.0f").raw(" lines/s, ");
    out.figure("/totals/bytesPerSecond", "%,.0f");
    row("latency at full speed", "bytes/s");
    latency("/latency/fullSpeed");
    if (root.at("/latency/halfSpeed").isObject()) {
      row("latency at half speed", "");
      latency("/latency/halfSpeed");
    }
    row("surprise", "").figure("/totals/bitsPerByte", "%.3f");
    row("depth", "bits per byte").figure("/totals/blocksPerByte", "%.2f").raw(" of ");
    out.count("/totals/blocks").raw(" blocks, ").percent("/totals/arithmetic");
    row("agreement with full depth", "of the arithmetic of full depth");
    if (root.at("/agreement").isObject()) {
      out.percent("/agreement/sameBytes").raw(" of ").count("/agreement/bytes");
      out.raw(" bytes predict the same, ").percent("/agreement/closeLines").raw(" of ");
      out.count("/agreement/lines").raw(" lines are within 0.1 bit per byte");
    } else {
      out.raw("no line was drawn for audit");
    }
    row("model", "").word("/model").raw(", policy ").word("/policy").raw(", ").word("/device");
    out.raw(
        "</td></tr>\n</table></div>\n<p class=\"note\">Every figure of this page stands in the");
    out.raw(" JSON file beside it, format ").count("/format").raw(".</p></section>\n");
  }

  private void latency(String at) {
    out.raw("half of the lines within ")
        .figure(at + "/medianMillis", "%,.1f")
        .raw(" ms, 99 % within ");
    out.figure(at + "/p99Millis", "%,.1f").raw(" ms, at ").figure(at + "/linesPerSecond", "%,.0f");
    out.raw(" lines/s");
  }

  private Markup row(String name) {
    return out.raw("<tr><th>" + name + "</th><td>");
  }

  private Markup row(String name, String endOfRowBefore) {
    return out.raw(" " + endOfRowBefore + "</td></tr>\n<tr><th>" + name + "</th><td>");
  }

  private String style() {
    try (InputStream in = Page.class.getResourceAsStream("report.css")) {
      StringBuilder style =
          new StringBuilder(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      for (int e = 0; e < root.at("/exits").size(); e++) {
        int after = root.at("/exits/" + e + "/after").asInt();
        style.append(".d" + e + ":hover::after { content: attr(data-b) \" bits, left after ");
        style.append(after).append(" blocks\"; }\n");
      }
      return style.toString();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
