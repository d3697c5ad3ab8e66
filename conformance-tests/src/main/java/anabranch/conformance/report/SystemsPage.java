package anabranch.conformance.report;

import anabranch.conformance.Kit;
import anabranch.conformance.Kit.Outcome;
import anabranch.conformance.Kit.Result;
import anabranch.conformance.golden.Recorded;
import anabranch.conformance.system.PublishedSystem;
import anabranch.conformance.system.Systems;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The table of published systems, made from a run. */
final class SystemsPage {
  /** Families whose code can be recorded, although no recording of them comes with the kit. */
  private static final Map<String, String> ELSEWHERE =
      Map.of("A07", "`phimoe`", "A18", "`mod`, whose code keeps a row less than the paper");

  private final Map<String, Outcome> changed;
  private final Map<String, Kit> kits;

  /**
   * Creates a page.
   *
   * @param changed what came of each system's test with one meaning changed, by its row
   * @param kits what came of the kit, by backend
   */
  SystemsPage(Map<String, Outcome> changed, Map<String, Kit> kits) {
    this.changed = changed;
    this.kits = kits;
  }

  /**
   * Returns whether a system is expressed: its test holds on the reference backend, and no longer
   * when one meaning of the description is changed.
   */
  boolean expressed(PublishedSystem system) {
    Kit reference = kits.get("reference");
    return changed.get(system.id()).result() == Result.FAILED
        && reference != null
        && passed(reference, system);
  }

  private static boolean passed(Kit kit, PublishedSystem system) {
    return kit.systems().get(system.id()).result() == Result.PASSED;
  }

  /** Returns the lines for a terminal. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (PublishedSystem system : Systems.all()) {
      StringBuilder line = new StringBuilder();
      String name = system.id() + " " + system.title();
      line.append(String.format("%-42s %s", name, said(system)));
      kits.forEach(
          (backend, kit) ->
              line.append("  ").append(backend).append(passed(kit, system) ? " ok" : " FAILED"));
      if (!system.open().isEmpty()) {
        line.append("  (open: ").append(String.join("; ", system.open())).append(')');
      }
      lines.add(line.toString());
    }
    return lines;
  }

  private String said(PublishedSystem system) {
    return expressed(system) ? "expressed" : "NOT EXPRESSED";
  }

  private static String recorded(PublishedSystem system) {
    Recorded model = system.recording();
    if (model != null) {
      return "`" + model.title() + "` from " + model.source();
    }
    String family = ELSEWHERE.get(system.id());
    return family == null ? "none is published" : "none here; `goldens` reads family " + family;
  }

  /** Returns the page. */
  String page() {
    StringBuilder page = new StringBuilder();
    page.append(
        """
        # Published systems

        Written by the command `kit`; do not edit. Each row is a published system as a description
        of this language, or as several behind one gate, small enough to follow by hand, with a test of
        what makes it that system.
        *Expressed* means that its own test holds on the reference backend, and fails once the part
        named in the column *proved by* is changed. The sources are in
        `conformance-tests/src/main/java/anabranch/conformance/system`.

        A backend passes where all witnesses of the row agree: the oracle, in double precision and
        without state, on the row's own sequences; numbers computed by hand or directly, or
        properties; what published code answered, on a model of its own among
        `conformance-tests/src/main/resources/anabranch/conformance/golden/models`; and a second
        backend. *None is published*: this project knows no outputs of published code.

        | row | system | published by | expressed | proved by | oracle | by hand | recorded outputs |""");
    List<String> backends = List.copyOf(kits.keySet());
    page.append(' ').append(String.join(" | second backend: ", backends)).append(" |");
    page.append("\n|").append("---|".repeat(8 + kits.size())).append('\n');
    for (PublishedSystem system : Systems.all()) {
      page.append("| ").append(system.id());
      page.append(" | ").append(system.title());
      page.append(" | ").append(system.paper());
      page.append(" | ").append(expressed(system) ? "yes" : "no");
      if (!system.open().isEmpty()) {
        page.append(" (open: ").append(String.join("; ", system.open())).append(')');
      }
      page.append(" | `").append(system.changedField()).append('`');
      boolean all = kits.values().stream().allMatch(kit -> passed(kit, system));
      page.append(" | ").append(all ? "agrees" : "not shown");
      page.append(" | ").append(String.join(", ", system.witnesses()));
      page.append(" | ").append(recorded(system)).append(" |");
      kits.values().forEach(kit -> page.append(passed(kit, system) ? " passes |" : " fails |"));
      page.append('\n');
    }
    return page.toString();
  }
}
